"""Owns the endpoints about tasks: lists, one, its history, why it is where it is."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic_core import from_json

from milepost.callers import Caller
from milepost.cursors import Cursor, StreamId
from milepost.owners import partition_of
from milepost.records import Task
from milepost.task_state import ENDED
from milepost_notify import explain, present
from milepost_notify.archive import HistoryRow
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.parts import Parts, parts_of
from milepost_notify.routers.asked import (
    Limit,
    OwnerQuery,
    cursor_of,
    json_answer,
    not_found,
    page_of,
    unavailable,
    visible_id,
)
from milepost_notify.routers.shapes import Events, Explanation, Tasks
from milepost_notify.rows import TaskRow
from milepost_notify.standing import UNKNOWN, Standing
from milepost_notify.store import Filters, Snapshot, Told
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import Reader, acting_owner

AT_LEAST_SECONDS = 2.0
"""How long to wait for a revision: a projector is milliseconds behind, unless it is away."""

router = APIRouter(prefix="/api/notify/tasks", responses=PROBLEM_RESPONSES, tags=["tasks"])


@router.get("", response_model=Tasks)
async def tasks(
    request: Request,
    who: Reader,
    status: Literal["active", "ended", "all"] = "all",
    type: str | None = None,
    tag: str | None = None,
    limit: Limit = 100,
    before: str | None = None,
    owner: OwnerQuery = None,
) -> Response:
    """Tasks, newest first. `active` and `ended` leave dismissed ones out."""
    parts, acting = parts_of(request), acting_owner(who, owner)
    filters = Filters(tag=tag or None, type=type or None, tasks=who.tasks)
    cursor = cursor_of("before", before)

    def look(snapshot: Snapshot) -> tuple[Checkpoint, bool, list[Told]]:
        at = _checkpoint(parts, snapshot, acting)
        gap = cursor is not None and not at.continues(cursor)
        below = cursor.id.sortable if cursor is not None and not gap else None
        found = snapshot.tasks(acting, filters, status, before=below, limit=limit + 1)
        return at, gap, found

    at, gap, found = await parts.reads.read(look)
    shown, more = page_of(found, limit)
    now_ms = parts.now_ms()
    last = at.cursor(StreamId.from_sortable(shown[-1].row["created_position"]), 0) if more else None
    return json_answer(
        {
            "tasks": [_record(told, at, now_ms, _observed(parts, told.row)) for told in shown],
            "before": None if last is None else str(last),
            "gap": gap,
        }
    )


@router.get("/{task_id}", response_model=Task)
async def task(
    request: Request,
    task_id: str,
    who: Reader,
    at_least: Annotated[str | None, Query(description="A `revision` it has to contain")] = None,
    owner: OwnerQuery = None,
) -> Response:
    """One task, with everything. With `at_least` waits up to 2 s for that revision, then 503."""
    parts, acting = parts_of(request), acting_owner(who, owner)
    at, told = await _find(parts, who, acting, task_id, at_least)
    standing = await _standing(parts, told.row)
    return json_answer(_record(told, at, parts.now_ms(), standing))


@router.get("/{task_id}/events", response_model=Events)
async def events(
    request: Request,
    task_id: str,
    who: Reader,
    after: str | None = None,
    limit: Limit = 100,
    owner: OwnerQuery = None,
) -> Response:
    """What happened to a task, oldest first. Exception text is for services and operators only."""
    parts, acting = parts_of(request), acting_owner(who, owner)
    cursor = cursor_of("after", after)
    _, told = await _find(parts, who, acting, task_id, None)
    visible = told.row["id"]
    start = told.row["created_position"]

    def look(snapshot: Snapshot) -> tuple[Checkpoint, Cursor | None, list[HistoryRow]]:
        at = _checkpoint(parts, snapshot, acting)
        known = cursor if cursor is not None and at.continues(cursor) else None
        behind = None if known is None else known.id.sortable
        found = snapshot.events(acting, visible, start=start, after=behind, limit=limit)
        return at, known, found

    at, known, found = await parts.reads.read(look)
    with_detail = bool(who.scopes & {"service", "admin"})
    shown = [present.event_record(row, at, with_detail=with_detail) for row in found]
    last = shown[-1]["id"] if shown else str(known or at.cursor(StreamId.from_sortable(start), 0))
    return json_answer({"events": shown, "after": last, "gap": known is not cursor})


@router.get("/{task_id}/explain", response_model=Explanation)
async def explanation(
    request: Request, task_id: str, who: Reader, owner: OwnerQuery = None
) -> Response:
    """Why a task is not running or not done, in words and fields."""
    parts, acting = parts_of(request), acting_owner(who, owner)
    _, told = await _find(parts, who, acting, task_id, None)
    standing = await _standing(parts, told.row)
    return json_answer(explain.explain(told.row, parts.now_ms(), standing))


async def _find(
    parts: Parts, who: Caller, owner: str, task_id: str, at_least: str | None
) -> tuple[Checkpoint, Told]:
    visible = visible_id(who, task_id)
    revision = cursor_of("at_least", at_least)
    if revision and not await parts.delivery.visible(owner, revision, AT_LEAST_SECONDS):
        raise unavailable("This revision is not visible yet.")
    at, told = await _look_up(parts, owner, visible)
    if told is None:
        # Accepted a moment ago, perhaps: then the log knows it, and it is about to be projected.
        created = await parts.created_at(owner, visible)
        if created is None:
            not_found()
        revision = at.cursor(created, 0)
        if not await parts.delivery.visible(owner, revision, AT_LEAST_SECONDS):
            raise unavailable("This task is not visible yet.")
        at, told = await _look_up(parts, owner, visible)
    if told is None:
        not_found()
    return at, told


async def _look_up(parts: Parts, owner: str, task_id: str) -> tuple[Checkpoint, Told | None]:
    def look(snapshot: Snapshot) -> tuple[Checkpoint, Told | None]:
        return _checkpoint(parts, snapshot, owner), snapshot.task(owner, task_id)

    return await parts.reads.read(look)


def _checkpoint(parts: Parts, snapshot: Snapshot, owner: str) -> Checkpoint:
    at = snapshot.checkpoint(partition_of(owner, parts.partitions))
    if at is None:
        raise unavailable("Nothing has been projected yet.")
    return at


async def _standing(parts: Parts, row: TaskRow) -> Standing:
    """Where a task stands; nobody has to be asked once it has ended."""
    return UNKNOWN if row["status"] in ENDED else await parts.standings.of(row)


def _observed(parts: Parts, row: TaskRow) -> Standing:
    lost = parts.standings.is_lost(row)
    return Standing("running", row["attempt"], lost=True) if lost else UNKNOWN


def _record(told: Told, at: Checkpoint, now_ms: int, standing: Standing) -> dict[str, Any]:
    row = told.row
    params = {} if told.created is None else present.params_of(told.created)
    result = None if row["result"] is None else from_json(row["result"])
    if row["result_omitted"] and told.ended is not None:
        result = present.result_of(told.ended)
    return present.task_record(row, params, result, at, now_ms, standing)
