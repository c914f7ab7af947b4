"""Owns the endpoint that streams: the pages of the poll, one after another."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import WithJsonSchema

from milepost.callers import LEEWAY_SECONDS, Caller
from milepost_notify.parts import parts_of
from milepost_notify.routers.asked import (
    OwnerQuery,
    SinceQuery,
    TagQuery,
    cursor_of,
)
from milepost_notify.routers.event_stream import EventStream
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import Reader
from milepost_service.described import NO_CURSOR_YET
from milepost_service.queries import StrictQueryRoute

LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID"),
    WithJsonSchema({"type": "string", **NO_CURSOR_YET}),
]

router = APIRouter(
    prefix="/api/notify/notifications",
    responses=PROBLEM_RESPONSES,
    route_class=StrictQueryRoute,
    tags=["notifications"],
)


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Server-sent events"}},
)
async def stream(
    request: Request,
    who: Reader,
    since: SinceQuery = None,
    tag: TagQuery = None,
    owner: OwnerQuery = None,
    last_event_id: LastEventId = None,
) -> Response:
    """The same rows as server-sent events, for as long as the credentials are good.

    Begins with the current state, or behind `Last-Event-ID`, or behind `since`. `event: gap` stands
    before a state that replaces everything; `event: expired` is the last one.
    """
    following = parts_of(request).queries.of(who, owner).follow(tag or None)
    seen = cursor_of("Last-Event-ID", last_event_id, place="header")
    cursor = seen or cursor_of("since", since)
    first = await following.page(cursor)
    good_for = expiry(who) - request.app.state.clock()
    return EventStream(following, first, good_for)


def expiry(who: Caller) -> float:
    """Until when the credentials are good, in seconds since the epoch."""
    return who.expires_at + LEEWAY_SECONDS
