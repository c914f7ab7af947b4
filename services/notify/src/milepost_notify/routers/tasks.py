"""Owns the endpoints about tasks: lists, one, its history, why it is where it is."""

from fastapi import APIRouter, Request, Response

from milepost.records import Task
from milepost_notify.parts import parts_of
from milepost_notify.routers.asked import (
    CursorQuery,
    Limit,
    OwnerQuery,
    RevisionQuery,
    TagQuery,
    TypeQuery,
    cursor_of,
    json_answer,
)
from milepost_notify.routers.shapes import Events, Explanation, Tasks
from milepost_notify.store import Which
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import Reader
from milepost_service.queries import StrictQueryRoute

router = APIRouter(
    prefix="/api/notify/tasks",
    responses=PROBLEM_RESPONSES,
    route_class=StrictQueryRoute,
    tags=["tasks"],
)


@router.get("", response_model=Tasks)
async def tasks(
    request: Request,
    who: Reader,
    status: Which = "all",
    type: TypeQuery = None,
    tag: TagQuery = None,
    limit: Limit = 100,
    before: CursorQuery = None,
    owner: OwnerQuery = None,
) -> Response:
    """Tasks, newest first. `active` and `ended` leave dismissed ones out, which are `dismissed`."""
    owned = parts_of(request).queries.of(who, owner)
    cursor = cursor_of("before", before)
    page = await owned.tasks(status, type=type or None, tag=tag or None, limit=limit, before=cursor)
    last = None if page.before is None else str(page.before)
    return json_answer({"tasks": page.tasks, "before": last, "gap": page.gap})


@router.get("/{task_id}", response_model=Task)
async def task(
    request: Request,
    task_id: str,
    who: Reader,
    at_least: RevisionQuery = None,
    owner: OwnerQuery = None,
) -> Response:
    """One task, with everything. With `at_least` waits up to 2 s for that revision, then 503."""
    owned = parts_of(request).queries.of(who, owner)
    return json_answer(await owned.task(task_id, cursor_of("at_least", at_least)))


@router.get("/{task_id}/events", response_model=Events)
async def events(
    request: Request,
    task_id: str,
    who: Reader,
    after: CursorQuery = None,
    limit: Limit = 100,
    owner: OwnerQuery = None,
) -> Response:
    """What happened to a task, oldest first. Exception text is for services and operators only."""
    owned = parts_of(request).queries.of(who, owner)
    page = await owned.events(task_id, after=cursor_of("after", after), limit=limit)
    return json_answer(page._asdict())


@router.get("/{task_id}/explain", response_model=Explanation)
async def explanation(
    request: Request, task_id: str, who: Reader, owner: OwnerQuery = None
) -> Response:
    """Why a task is not running or not done, in words and fields."""
    return json_answer(await parts_of(request).queries.of(who, owner).explain(task_id))
