"""Owns the endpoint that polls, and waits: what is new since a cursor."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.requests import ClientDisconnect

from milepost.cursors import Cursor
from milepost_notify.delivery import Delivery, Feed, Page
from milepost_notify.parts import parts_of
from milepost_notify.places import Places
from milepost_notify.routers.asked import (
    Limit,
    OwnerQuery,
    SinceQuery,
    TagQuery,
    cursor_of,
    json_answer,
    place_of,
)
from milepost_notify.routers.shapes import Notifications
from milepost_notify.store import Filters
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import Reader, acting_owner

MOST_WAIT_SECONDS = 30

router = APIRouter(
    prefix="/api/notify/notifications", responses=PROBLEM_RESPONSES, tags=["notifications"]
)


@router.get("", response_model=Notifications)
async def notifications(
    request: Request,
    who: Reader,
    since: SinceQuery = None,
    wait: Annotated[float, Query(ge=0, le=MOST_WAIT_SECONDS, description="Seconds")] = 0,
    limit: Limit = 100,
    tag: TagQuery = None,
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
    with place_of(places, feed.owner):
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
