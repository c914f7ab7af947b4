"""Owns the endpoint that polls, and waits: what is new since a cursor."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from milepost_notify.delivery import Delivery, Feed, Page
from milepost_notify.parts import parts_of
from milepost_notify.routers.asked import (
    Limit,
    OwnerQuery,
    Plain,
    SinceQuery,
    TagQuery,
    cursor_of,
    json_answer,
    place_of,
    while_good,
)
from milepost_notify.routers.presence import while_present
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
    wait: Annotated[float, Query(ge=0, le=MOST_WAIT_SECONDS, description="Seconds"), Plain] = 0,
    limit: Limit = 100,
    tag: TagQuery = None,
    owner: OwnerQuery = None,
) -> Response:
    """What is new since a cursor, oldest first; with `wait` as soon as there is something."""
    parts, acting = parts_of(request), acting_owner(who, owner)
    feed = Feed(acting, Filters(tag=tag or None, tasks=who.tasks), limit)
    cursor = cursor_of("since", since)
    if wait:
        with place_of(parts.places, acting):
            async with while_good(parts, who), while_present(request.receive):
                page = await parts.delivery.next_page(feed, cursor, wait)
    else:
        page = await parts.delivery.next_page(feed, cursor, 0)
    return answer_of(parts.delivery, acting, page)


def answer_of(delivery: Delivery, owner: str, page: Page) -> Response:
    """A page as the poll gives it."""
    return json_answer(
        {
            "notifications": page.notifications,
            "cursor": str(page.cursor),
            "gap": page.gap,
            "next_poll_ms": delivery.next_poll_ms(owner, page),
        }
    )
