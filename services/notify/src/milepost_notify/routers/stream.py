"""Owns the stream of server-sent events: the pages of the poll, one after another."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from milepost.tokens import LEEWAY_SECONDS, Caller
from milepost_notify.delivery import Delivery, Feed, NotProjected, Page
from milepost_notify.parts import parts_of
from milepost_notify.places import Places
from milepost_notify.routers.asked import (
    OwnerQuery,
    SinceQuery,
    TagQuery,
    cursor_of,
    place_of,
)
from milepost_notify.store import Filters, StoreUnavailable
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import Reader, acting_owner

HEARTBEAT_SECONDS = 15.0

router = APIRouter(
    prefix="/api/notify/notifications", responses=PROBLEM_RESPONSES, tags=["notifications"]
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
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
) -> Response:
    """The same rows as server-sent events, for as long as the credentials are good.

    Begins with the current state, or behind `Last-Event-ID`, or behind `since`. `event: gap` stands
    before a state that replaces everything; `event: expired` is the last one.
    """
    parts, acting = parts_of(request), acting_owner(who, owner)
    feed = Feed(acting, Filters(tag=tag or None, tasks=who.tasks))
    seen = cursor_of("Last-Event-ID", last_event_id, place="header")
    cursor = seen or cursor_of("since", since)
    first = await parts.delivery.page(feed, cursor)
    good_for = expiry(who) - request.app.state.clock()
    return _Stream(parts.places, acting, _events(parts.delivery, feed, first, good_for))


def expiry(who: Caller) -> float:
    """Until when the credentials are good, in seconds since the epoch."""
    return who.expires_at + LEEWAY_SECONDS


class _Stream(StreamingResponse):
    """A stream that has one of its owner's places for exactly as long as it is sent."""

    def __init__(self, places: Places, owner: str, events: AsyncGenerator[bytes]) -> None:
        headers = {"X-Accel-Buffering": "no"}
        super().__init__(events, headers=headers, media_type="text/event-stream")
        self._places, self._owner, self._events = places, owner, events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send, until the client leaves or the credentials expire.

        Raises:
            HttpProblem: 429, before anything is sent.
        """
        try:
            with place_of(self._places, self._owner):
                await super().__call__(scope, receive, send)
        finally:
            await self._events.aclose()


async def _events(
    delivery: Delivery, feed: Feed, page: Page, good_for_seconds: float
) -> AsyncGenerator[bytes]:
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + good_for_seconds
    while True:
        yield _as_events(page)
        left = ends_at - loop.time()
        if left <= 0:
            yield b"event: expired\ndata: {}\n\n"
            return
        if delivery.is_closing:
            return  # the client comes again, to whoever takes over
        wait_seconds = 0 if page.more else min(HEARTBEAT_SECONDS, left)
        try:
            page = await delivery.next_page(feed, page.cursor, wait_seconds)
        except (StoreUnavailable, NotProjected):
            return  # the client comes again with the last id it has seen


def _as_events(page: Page) -> bytes:
    lines = [b"event: gap\ndata: {}\n\n"] if page.gap else []
    for row in page.notifications:
        data = to_json(row, inf_nan_mode="null")
        lines.append(f"id: {row['id']}\nevent: {row['name']}\ndata: ".encode() + data + b"\n\n")
    return b"".join(lines) or b": nothing new\n\n"
