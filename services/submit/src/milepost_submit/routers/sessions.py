"""Owns the endpoints of where somebody is signed in: seen, and signed out. Begins no session."""

from fastapi import APIRouter, Request, Response

from milepost.callers import Caller
from milepost.problems import HttpProblem
from milepost.records import rfc3339
from milepost_service import audit
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import acting_owner, address_of
from milepost_service.bodies import strict_route
from milepost_service.sessions import end_session
from milepost_submit.account_requests import OpenSession, SessionsAnswer
from milepost_submit.parts import parts_of
from milepost_submit.routers.access_tokens import Keeper, keeper
from milepost_submit.routers.asked import OwnerQuery

router = APIRouter(
    prefix="/api/submit",
    route_class=strict_route(guard=keeper),
    responses=PROBLEM_RESPONSES,
    tags=["accounts"],
)


@router.get("/sessions")
async def sessions(request: Request, who: Keeper, owner: OwnerQuery = None) -> SessionsAnswer:
    """List where somebody is signed in, the newest first."""
    found = await parts_of(request).registry.sessions.of(acting_owner(who, owner))
    return SessionsAnswer(
        sessions=[
            OpenSession(
                id=each.id,
                created_at=rfc3339(each.created_at),
                last_used_at=rfc3339(each.seen_at),
                expires_at=rfc3339(each.expires_at),
                current=each.id == who.credential,
            )
            for each in found
        ]
    )


@router.delete("/sessions/{session_id}", status_code=204)
async def end_one(
    request: Request, session_id: str, who: Keeper, owner: OwnerQuery = None
) -> Response:
    """End one session of somebody's."""
    acting, registry = acting_owner(who, owner), parts_of(request).registry
    if session_id not in await registry.sessions.ids_of(acting):
        raise HttpProblem(404, "unknown-session", "No such session")
    return await _end(request, who, acting, [session_id])


@router.delete("/sessions", status_code=204)
async def end_all(request: Request, who: Keeper, owner: OwnerQuery = None) -> Response:
    """End every session of somebody's, this one too; access tokens stay. Repeatable."""
    acting, registry = acting_owner(who, owner), parts_of(request).registry
    return await _end(request, who, acting, await registry.sessions.ids_of(acting))


async def _end(request: Request, who: Caller, acting: str, ids: list[str]) -> Response:
    await parts_of(request).registry.end_sessions(*ids)
    for id in ids:
        fields = {"credential": id, "owner": acting, "address": address_of(request)}
        audit.record("session.end", who.owner, **fields)
    response = Response(status_code=204)
    if who.kind == "session" and who.credential in ids:
        end_session(request, response)
    return response
