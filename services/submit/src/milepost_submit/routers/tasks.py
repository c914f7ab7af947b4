"""Owns the endpoints that make tasks: one, many, or one again. `decisions` has the rules."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from milepost.problems import HttpProblem, field_error
from milepost_service.answers import PROBLEM_RESPONSES, again
from milepost_service.auth import Writer, writer
from milepost_service.bodies import strict_route
from milepost_submit.batches import RefusedItem, decide_batch, types_named
from milepost_submit.parts import parts_of
from milepost_submit.refusals import Refusal
from milepost_submit.requests import BatchAnswer, BatchRequest, TaskAnswer, TaskRequest
from milepost_submit.routers.appending import REPLAYED, answer_of, append, append_one, decided
from milepost_submit.routers.asked import (
    IdempotencyKey,
    OwnerQuery,
    PathTaskId,
    batch_owner,
    fresh_id,
    limits_of,
    one_owner,
    settings_of,
)
from milepost_submit.routers.retrying import retry_one

_common: dict[str, Any] = {
    "prefix": "/api/submit/tasks", "responses": PROBLEM_RESPONSES, "tags": ["tasks"]
}  # fmt: skip
router = APIRouter(route_class=strict_route(guard=writer), **_common)
batch_router = APIRouter(
    route_class=strict_route(guard=writer, limit=lambda settings: settings.max_batch_bytes),
    **_common,
)


@router.post("", status_code=201, responses=again(TaskAnswer))
async def submit(
    request: Request,
    response: Response,
    body: TaskRequest,
    who: Writer,
    key: IdempotencyKey,
    owner: OwnerQuery = None,
) -> TaskAnswer:
    """Accept a task, once: the same id or Idempotency-Key and body again get the first answer."""
    owned = parts_of(request).commands.of(request, who, one_owner(body.owner, owner))
    try:
        task = await decided(request, owned, body, key)
    except Refusal as refusal:
        raise refusal.problem("body") from refusal
    may_repeat = key is not None or body.id is not None
    answer, response.status_code, headers = await append_one(owned, task, may_repeat=may_repeat)
    response.headers.update(headers)
    return answer


@batch_router.post("/batch", status_code=201, responses=again(BatchAnswer))
async def submit_batch(
    request: Request,
    response: Response,
    body: BatchRequest,
    who: Writer,
    key: IdempotencyKey,
    owner: OwnerQuery = None,
) -> BatchAnswer:
    """Accept 1 to 1,000 tasks of one owner, or none: `loc` has the index of the first bad one."""
    parts, settings = parts_of(request), settings_of(request)
    named, at = batch_owner(body, owner)
    owned = parts.commands.of(request, who, named, place=at)
    if len(body.tasks) > settings.max_batch_tasks:
        error = field_error(["body", "tasks"], f"at most {settings.max_batch_tasks} tasks")
        raise HttpProblem(422, "invalid", "Too many for a batch", errors=[error])
    types = await parts.catalogue.types(types_named(body.tasks))
    try:
        tasks = await asyncio.to_thread(
            decide_batch,
            body.tasks,
            types,
            owner=owned.owner,
            by_code=owned.is_code,
            parent=owned.parent,
            fresh_id=lambda: fresh_id(request),
            limits=limits_of(settings),
            idempotency_key=key,
        )
    except RefusedItem as err:
        raise err.refusal.problem("body", "tasks", err.index) from err
    accepted = await append(owned, tasks, at=["body", "tasks"])
    ids = (isinstance(item, dict) and item.get("id") is not None for item in body.tasks)
    may_repeat = key is not None or all(ids)
    if may_repeat and all(answer.replayed for answer in accepted):
        response.status_code = 200
        response.headers.update(REPLAYED)
    pairs = zip(tasks, accepted, strict=True)
    return BatchAnswer(tasks=[answer_of(task, answer) for task, answer in pairs])


@router.post("/{task_id}/retry", status_code=201, responses=again(TaskAnswer))
async def retry(
    request: Request,
    response: Response,
    task_id: PathTaskId,
    who: Writer,
    key: IdempotencyKey,
    owner: OwnerQuery = None,
) -> TaskAnswer:
    """Run a failed or cancelled task again, as a new one whose `retry_of` is this."""
    owned = parts_of(request).commands.of(request, who, owner)
    return await retry_one(request, response, owned, task_id, key)
