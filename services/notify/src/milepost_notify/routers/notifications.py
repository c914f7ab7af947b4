"""Owns the endpoints that deliver: poll, long poll and stream, all of the same pages."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic_core import to_json
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from milepost.cursors import Cursor
from milepost.tokens import LEEWAY_SECONDS, Caller
from milepost_notify.delivery import Delivery, Feed, NotProjected, Page
from milepost_notify.parts import parts_of
from milepost_notify.places import NoPlace, Places
from milepost_notify.routers.asked import (
    Limit,
    OwnerQuery,
    cursor_of,
    json_answer,
    too_many,
)
from milepost_notify.routers.shapes import Notifications
from milepost_notify.store import Filters, StoreUnavailable
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import Reader, acting_owner

MOST_WAIT_SECONDS = 30.0
HEARTBEAT_SECONDS = 15.0

router = APIRouter(
    prefix="/api/notify/notifications", responses=PROBLEM_RESPONSES, tags=["notifications"]
)


@router.get("", response_model=Notifications)
async def notifications(
    request: Request,
    who: Reader,
    since: Annotated[str | None, Query(description="A cursor; none: the current state")] = None,
    wait: Annotated[float, Query(ge=0, le=MOST_WAIT_SECONDS, description="Seconds")] = 0,
    limit: Limit = 100,
    tag: Annotated[str | None, Query(description="Only tasks that have it")] = None,
    owner: OwnerQuery = None,
) -> Response:
    """What is new since a cursor, oldest first; with `wait` as soon as there is something."""
    parts, acting = parts_of(request), acting_owner(who, owner)
    feed = Feed(acting, Filters(tag=tag or None, tasks=who.tasks), limit)
    cursor = cursor_of("since", since)
    if wait:
        page = await _long_poll(request, parts.places, parts.delivery, feed, cursor, wait)
    else:
        page = await parts.delivery.next_page(feed, cursor, 0)
    return json_answer(
        {
            "notifications": page.notifications,
            "cursor": str(page.cursor),
            "gap": page.gap,
            "next_poll_ms": parts.delivery.next_poll_ms(acting, page),
        }
    )


async def _long_poll(
    request: Request,
    places: Places,
    delivery: Delivery,
    feed: Feed,
    since: Cursor | None,
    wait: float,
) -> Page:
    """Wait for news for as long as the client does.

    Raises:
        ClientDisconnect: it has left; its place is free.
    """
    with _place(places, feed.owner):
        waiting = asyncio.ensure_future(delivery.next_page(feed, since, wait))
        leaving = asyncio.ensure_future(_left(request))
        try:
            await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise ClientDisconnect
            return waiting.result()
        finally:
            for each in (waiting, leaving):
                each.cancel()
            await asyncio.gather(waiting, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    """Return when the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
