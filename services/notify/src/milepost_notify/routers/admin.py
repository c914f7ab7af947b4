"""Owns operators' endpoints: everybody's tasks and failures, and how the deployment does.

Each needs the scope `admin`, and each look is in the audit trail.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import WithJsonSchema

from milepost.errors import InvalidCursor
from milepost.problems import HttpProblem, field_error
from milepost.records import Task
from milepost.task_state import Status
from milepost_notify.operators import Operators
from milepost_notify.oversight import Spot, Wanted
from milepost_notify.parts import parts_of
from milepost_notify.routers import admin_shapes as shapes
from milepost_notify.routers.asked import (
    CursorQuery,
    Filter,
    Limit,
    Plain,
    TagQuery,
    TypeQuery,
    cursor_of,
    json_answer,
)
from milepost_notify.routers.shapes import Events, Explanation
from milepost_service import audit
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import Operator
from milepost_service.described import NO_CURSOR_YET, OWNER
from milepost_service.queries import StrictQueryRoute

router = APIRouter(
    prefix="/api/notify/admin",
    responses=PROBLEM_RESPONSES,
    route_class=StrictQueryRoute,
    tags=["operators"],
)

WhoseQuery = Annotated[
    str, Query(description="Whose task it is"), WithJsonSchema({"type": "string", **OWNER})
]
BeforeQuery = Annotated[
    str | None,
    Query(description="`before` of the page before this one"),
    WithJsonSchema({"type": "string", **NO_CURSOR_YET}),
]
AgeQuery = Annotated[int | None, Query(ge=0, le=10**9, description="Whole seconds"), Plain]


@router.get("/tasks", response_model=shapes.OverseenTasks)
async def tasks(
    request: Request,
    who: Operator,
    status: Status | None = None,
    type: TypeQuery = None,
    tag: TagQuery = None,
    queue: Filter | None = None,
    owner: Filter | None = None,
    error: Annotated[Filter | None, Query(description="Code of the last failure")] = None,
    build: Annotated[Filter | None, Query(description="Of the worker that ran it last")] = None,
    older_than_seconds: AgeQuery = None,
    younger_than_seconds: AgeQuery = None,
    limit: Limit = 100,
    before: BeforeQuery = None,
) -> Response:
    """All owners' tasks, newest first, dismissed ones too. A page looks at so many events and no
    more: follow `before`, also out of an empty one, until it is null."""
    operators = _operators(request)
    older, younger = (
        None if seconds is None else operators.position_before(seconds)
        for seconds in (older_than_seconds, younger_than_seconds)
    )
    wanted = Wanted(status, type, tag, queue, owner, error, younger, older, build)
    asked = {name: value for name, value in request.query_params.items() if name != "before"}
    audit.record("admin.tasks.list", who.owner, filter=" ".join(sorted(asked)), owner=owner)
    return json_answer(await operators.tasks(wanted, before=_spot(before), limit=limit))


@router.get("/tasks/{task_id}", response_model=Task)
async def task(request: Request, task_id: str, who: Operator, owner: WhoseQuery) -> Response:
    """One task with everything."""
    overseen = parts_of(request).queries.overseen(who, owner)
    audit.record("admin.tasks.read", who.owner, task_id=task_id, owner=overseen.owner)
    return json_answer(await overseen.task(task_id, None))


@router.get("/tasks/{task_id}/events", response_model=Events)
async def events(
    request: Request,
    task_id: str,
    who: Operator,
    owner: WhoseQuery,
    after: CursorQuery = None,
    limit: Limit = 100,
) -> Response:
    """What happened to a task, oldest first, with exceptions and tracebacks."""
    overseen = parts_of(request).queries.overseen(who, owner)
    audit.record("admin.tasks.events", who.owner, task_id=task_id, owner=overseen.owner)
    page = await overseen.events(task_id, after=cursor_of("after", after), limit=limit)
    return json_answer(page._asdict())


@router.get("/tasks/{task_id}/explain", response_model=Explanation)
async def explanation(request: Request, task_id: str, who: Operator, owner: WhoseQuery) -> Response:
    """Why a task is not running or not done."""
    overseen = parts_of(request).queries.overseen(who, owner)
    audit.record("admin.tasks.explain", who.owner, task_id=task_id, owner=overseen.owner)
    return json_answer(await overseen.explain(task_id))


@router.get("/errors", response_model=shapes.Errors)
async def errors(
    request: Request,
    who: Operator,
    reference: Annotated[Filter | None, Query(description="As its owner was told")] = None,
    limit: Limit = 100,
    before: BeforeQuery = None,
) -> Response:
    """Failed attempts of all owners, newest first, with exceptions and tracebacks."""
    audit.record("admin.errors.read", who.owner, reference=reference)
    found = await _operators(request).errors(reference, before=_spot(before), limit=limit)
    return json_answer(found)


@router.get("/partitions", response_model=shapes.Partitions)
async def partitions(request: Request, who: Operator) -> Response:
    """How far each partition is projected, and what is in Redis."""
    audit.record("admin.partitions.read", who.owner)
    return json_answer({"partitions": await _operators(request).partitions()})


@router.get("/queues", response_model=shapes.Queues)
async def queues(request: Request, who: Operator) -> Response:
    """What waits in each queue for a free worker, what waits aside not counted."""
    audit.record("admin.queues.read", who.owner)
    return json_answer({"queues": await _operators(request).queues()})


@router.get("/workers", response_model=shapes.Workers)
async def workers(request: Request, who: Operator) -> Response:
    """Who works, or did until it vanished."""
    audit.record("admin.workers.read", who.owner)
    return json_answer({"workers": await _operators(request).workers()})


@router.get("/rates", response_model=shapes.Rates)
async def rates(request: Request, who: Operator) -> Response:
    """How many attempts ended in each of the last 60 minutes, by type and queue, this minute last.
    On a busy deployment only the newest of them are looked at: `since` says how far back."""
    audit.record("admin.rates.read", who.owner)
    return json_answer(await _operators(request).rates())


@router.get("/dead-letters", response_model=shapes.DeadLetters)
async def dead_letters(request: Request, who: Operator) -> Response:
    """What nobody could read, oldest first in each partition."""
    audit.record("admin.dead-letters.read", who.owner)
    return json_answer({"dead_letters": await _operators(request).dead_letters()})


@router.get("/parked", response_model=shapes.Parked)
async def parked(request: Request, who: Operator, limit: Limit = 100) -> Response:
    """Events that wait for a replay, oldest first."""
    audit.record("admin.parked.read", who.owner)
    return json_answer({"parked": await _operators(request).parked(limit)})


def _operators(request: Request) -> Operators:
    return parts_of(request).operators


def _spot(before: str | None) -> Spot | None:
    try:
        return Spot.parse(before) if before else None
    except InvalidCursor as err:
        errors = [field_error(["query", "before"], "not a cursor")]
        raise HttpProblem(422, "invalid", "Not a cursor", errors=errors) from err
