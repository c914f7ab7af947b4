"""Owns the endpoint that signs somebody out everywhere. Begins no session."""

from fastapi import APIRouter, Request, Response

from milepost_service import audit
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import acting_owner, address_of
from milepost_service.bodies import strict_route
from milepost_service.sessions import end_session
from milepost_submit.parts import parts_of
from milepost_submit.routers.access_tokens import Keeper, keeper
from milepost_submit.routers.asked import OwnerQuery

router = APIRouter(
    prefix="/api/submit",
    route_class=strict_route(guard=keeper),
    responses=PROBLEM_RESPONSES,
    tags=["accounts"],
)


@router.delete("/sessions", status_code=204)
async def end_all(request: Request, who: Keeper, owner: OwnerQuery = None) -> Response:
    """End every session of somebody's, this one too; access tokens stay. Repeatable."""
    acting, registry = acting_owner(who, owner), parts_of(request).registry
    ids = await registry.sessions.ids_of(acting)
    await registry.end_sessions(*ids)
    for id in ids:
        fields = {"credential": id, "owner": acting, "address": address_of(request)}
        audit.record("session.end", who.owner, **fields)
    response = Response(status_code=204)
    if who.kind == "session" and acting == who.owner:
        end_session(request, response)
    return response
