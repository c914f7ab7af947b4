"""Owns the endpoint that polls, and waits: what is new since a cursor."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from milepost_notify.delivery import Page
from milepost_notify.following import Following
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
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import Reader
from milepost_service.queries import StrictQueryRoute

MOST_WAIT_SECONDS = 30

router = APIRouter(
    prefix="/api/notify/notifications",
    responses=PROBLEM_RESPONSES,
    route_class=StrictQueryRoute,
    tags=["notifications"],
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
    following = parts_of(request).queries.of(who, owner).follow(tag or None, limit)
    cursor = cursor_of("since", since)
    if wait:
        with place_of(following):
            async with while_good(following), while_present(request.receive):
                page = await following.next_page(cursor, wait)
    else:
        page = await following.next_page(cursor, 0)
    return answer_of(following, page)


def answer_of(following: Following, page: Page) -> Response:
    """A page as the poll gives it."""
    return json_answer(
        {
            "notifications": page.notifications,
            "cursor": str(page.cursor),
            "gap": page.gap,
            "next_poll_ms": following.next_poll_ms(page),
        }
    )
