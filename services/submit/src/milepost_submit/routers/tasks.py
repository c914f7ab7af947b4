"""Owns the endpoints that make tasks: one, many, or one again. `decisions` has the rules."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from milepost.problems import FieldError, HttpProblem
from milepost.settings import Settings
from milepost.tokens import Caller
from milepost_log.commands import Accepted, NewTask, RequestConflict, TooManyTasks
from milepost_service.auth import Writer, acting_owner, writer
from milepost_service.bodies import strict_route
from milepost_service.failures import PROBLEM_RESPONSES
from milepost_submit.batches import RefusedItem, decide_batch, types_named
from milepost_submit.decisions import Original, Refusal, decide_new, decide_retry, find_type
from milepost_submit.parts import Parts, Wired
from milepost_submit.requests import BatchAnswer, BatchRequest, TaskAnswer, TaskRequest
from milepost_submit.routers.asked import (
    IdempotencyKey,
    OwnerQuery,
    PathTaskId,
    Trace,
    actor,
    fresh_id,
    one_owner,
    unknown_task,
)

_RETRY_AFTER_SECONDS = "5"
_common: dict[str, Any] = {
    "prefix": "/api/submit/tasks", "responses": PROBLEM_RESPONSES, "tags": ["tasks"]
}  # fmt: skip
router = APIRouter(route_class=strict_route(guard=writer), **_common)
batch_router = APIRouter(
    route_class=strict_route(guard=writer, limit=lambda settings: settings.max_batch_bytes),
    **_common,
)


@router.post("", status_code=201)
async def submit(
    request: Request,
    response: Response,
    body: TaskRequest,
    who: Writer,
    parts: Wired,
    key: IdempotencyKey,
    trace: Trace,
    owner: OwnerQuery = None,
) -> TaskAnswer:
    """Accept a task, once: the same id or Idempotency-Key and body again get the first answer."""
    settings: Settings = request.app.state.settings
    acting = acting_owner(who, one_owner(body.owner, owner))
    types = await parts.catalogue.types({body.type})
    try:
        task = decide_new(
            body,
            find_type(types, body.type, by_service="service" in who.scopes),
            fresh_id=fresh_id(request),
            max_params_bytes=settings.max_params_bytes,
            idempotency_key=key,
        )
    except Refusal as refusal:
        raise refusal.problem("body") from refusal
    may_repeat = key is not None or body.id is not None
    return await _append_one(request, response, parts, who, acting, task, trace, may_repeat)


@batch_router.post("/batch", status_code=201)
async def submit_batch(
    request: Request,
    response: Response,
    body: BatchRequest,
    who: Writer,
    parts: Wired,
    key: IdempotencyKey,
    trace: Trace,
    owner: OwnerQuery = None,
) -> BatchAnswer:
    """Accept 1 to 1,000 tasks of one owner, or none: `loc` has the index of the first bad one."""
    settings: Settings = request.app.state.settings
    named = one_owner(body.owner, owner)
    if named is None and isinstance(body.tasks[0], dict):
        first = body.tasks[0].get("owner")
        named = first if isinstance(first, str) else None
    acting = acting_owner(who, named)
    types = await parts.catalogue.types(types_named(body.tasks))
    try:
        tasks = await asyncio.to_thread(
            decide_batch,
            body.tasks,
            types,
            owner=acting,
            by_service="service" in who.scopes,
            fresh_id=lambda: fresh_id(request),
            max_params_bytes=settings.max_params_bytes,
            idempotency_key=key,
        )
    except RefusedItem as err:
        raise err.refusal.problem("body", "tasks", err.index) from err
    accepted = await _append(request, parts, who, acting, tasks, trace, at=["body", "tasks"])
    ids = (isinstance(item, dict) and item.get("id") is not None for item in body.tasks)
    may_repeat = key is not None or all(ids)
    _mark_replay(response, may_repeat and all(answer.replayed for answer in accepted))
    pairs = zip(tasks, accepted, strict=True)
    return BatchAnswer(tasks=[_answer(task, answer) for task, answer in pairs])


@router.post("/{task_id}/retry", status_code=201)
async def retry(
    request: Request,
    response: Response,
    task_id: PathTaskId,
    who: Writer,
    parts: Wired,
    key: IdempotencyKey,
    trace: Trace,
    owner: OwnerQuery = None,
) -> TaskAnswer:
    """Run a failed or cancelled task again, as a new one whose `retry_of` is this."""
    settings: Settings = request.app.state.settings
    acting = acting_owner(who, owner)
    live = await parts.door.command(lambda log: log.request_of(acting, task_id))
    if live is None:
        original = await parts.archive.find(task_id, request, owner)
    else:
        status, made = live
        original = Original(
            task_id, status, made.task_type, made.title, made.tags, made.priority, made.params
        )
    if original is None:
        raise unknown_task()
    types = await parts.catalogue.types({original.type})
    try:
        task = decide_retry(
            original,
            find_type(types, original.type, by_service="service" in who.scopes),
            fresh_id=fresh_id(request),
            max_params_bytes=settings.max_params_bytes,
            idempotency_key=key,
        )
    except Refusal as refusal:
        raise refusal.problem("body") from refusal
    may_repeat = key is not None
    return await _append_one(request, response, parts, who, acting, task, trace, may_repeat)


async def _append_one(
    request: Request,
    response: Response,
    parts: Parts,
    who: Caller,
    owner: str,
    task: NewTask,
    trace: str | None,
    may_repeat: bool,
) -> TaskAnswer:
    """Append and answer. Where nobody can have asked before, a replay is our own repetition."""
    accepted = (await _append(request, parts, who, owner, [task], trace))[0]
    response.headers["Location"] = f"/api/notify/tasks/{accepted.id}"
    _mark_replay(response, may_repeat and accepted.replayed)
    return _answer(task, accepted)


async def _append(
    request: Request,
    parts: Parts,
    who: Caller,
    owner: str,
    tasks: list[NewTask],
    trace: str | None,
    *,
    at: list[str | int] | None = None,
) -> list[Accepted]:
    """One atomic append; `at` is where a batch's tasks stand, null for a single task."""
    settings: Settings = request.app.state.settings
    try:
        return await parts.door.command(
            lambda log: log.create(
                owner, tasks, max_live=settings.max_live_tasks, by=actor(who), trace=trace
            )
        )
    except RequestConflict as err:
        raise _refused(
            422, "used-before", "Used before for another request", err.index, at
        ) from err
    except TooManyTasks as err:
        first = min(err.room, len(tasks) - 1)
        headers = {"Retry-After": _RETRY_AFTER_SECONDS}
        raise _refused(429, "too-many-tasks", "Too many live tasks", first, at, headers) from err


def _refused(
    status: int,
    slug: str,
    title: str,
    index: int,
    at: list[str | int] | None,
    headers: dict[str, str] | None = None,
) -> HttpProblem:
    loc: list[str | int] = ["body"] if at is None else [*at, index]
    errors = [FieldError(loc=loc, msg=title)]
    return HttpProblem(status, slug, title, errors=errors, headers=headers)


def _mark_replay(response: Response, replayed: bool) -> None:
    if replayed:
        response.status_code = 200
        response.headers["Idempotent-Replayed"] = "true"


def _answer(task: NewTask, accepted: Accepted) -> TaskAnswer:
    return TaskAnswer(
        id=accepted.id,
        type=task.created.task_type,
        title=task.created.title,
        status=accepted.status,
        revision=accepted.revision,
    )
