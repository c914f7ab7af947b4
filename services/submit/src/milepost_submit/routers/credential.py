"""Owns the endpoints that say what credentials are: one's own, or those shown to a service."""

from typing import Annotated

from fastapi import APIRouter, Request, Security

from milepost.callers import Caller
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import SERVICE, Known, Required, require
from milepost_service.bodies import strict_route
from milepost_service.credentials import Sent
from milepost_service.introspection import (
    CredentialAnswer,
    IntrospectionAnswer,
    IntrospectionRequest,
    answer_of,
)
from milepost_submit.parts import parts_of


async def service(request: Request) -> Caller:
    """Require the scope service."""
    return await require(request, SERVICE)


router = APIRouter(
    prefix="/api/submit", route_class=strict_route(), responses=PROBLEM_RESPONSES, tags=["accounts"]
)
guarded = APIRouter(
    prefix="/api/submit",
    route_class=strict_route(guard=service),
    responses=PROBLEM_RESPONSES,
    tags=["accounts"],
)


@router.get("/credential")
async def credential(who: Known) -> CredentialAnswer:
    """Say whom one's own credentials prove, what they allow, and until when."""
    return answer_of(who)


@guarded.post("/introspection")
async def introspect(
    request: Request,
    body: IntrospectionRequest,
    who: Annotated[Caller, Security(Required(service))],
) -> IntrospectionAnswer:
    """Say what the session or access token is that was shown to a service. Counts as its use."""
    found = await parts_of(request).registry.find(Sent(body.form, body.text))
    return IntrospectionAnswer(credential=None if found is None else answer_of(found))
