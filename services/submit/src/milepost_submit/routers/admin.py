"""Owns operators' commands: anybody's task stopped or run again, dead letters redriven or dropped.

Each needs the scope `admin`, and each is in the audit trail, refused ones too.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import WithJsonSchema

from milepost.callers import Caller
from milepost.events import Actor
from milepost.task_state import ENDED
from milepost_service import audit
from milepost_service.answers import PROBLEM_RESPONSES, again
from milepost_service.auth import Operator, operator
from milepost_service.bodies import strict_route
from milepost_service.described import OWNER
from milepost_submit.parts import parts_of
from milepost_submit.requests import (
    CancelAnswer,
    LetterOutcome,
    LettersAnswer,
    LettersRequest,
    TaskAnswer,
)
from milepost_submit.routers.asked import (
    IdempotencyKey,
    PathTaskId,
    refused,
    settings_of,
    unknown_task,
)
from milepost_submit.routers.retrying import retry_one

router = APIRouter(
    prefix="/api/submit/admin",
    route_class=strict_route(guard=operator),
    responses=PROBLEM_RESPONSES,
    tags=["operators"],
)


WhoseQuery = Annotated[
    str, Query(description="Whose task it is"), WithJsonSchema({"type": "string", **OWNER})
]


@router.post("/tasks/{task_id}/cancel", status_code=202)
async def cancel(
    request: Request,
    task_id: PathTaskId,
    who: Operator,
    owner: WhoseQuery,
) -> CancelAnswer:
    """Ask anybody's live task to stop; it may still succeed. Repeatable; 409 when it has ended
    otherwise, 404 when its live state is gone."""
    overseen = parts_of(request).commands.overseen(request, who, owner)
    audit.record("admin.tasks.cancel", who.owner, task_id=task_id, owner=overseen.owner)
    status = await overseen.cancel(task_id)
    if status is None:
        raise unknown_task()
    if status in ENDED and status != "cancelled":
        raise refused(status)
    return CancelAnswer(id=task_id, status=status)


@router.post("/tasks/{task_id}/retry", status_code=201, responses=again(TaskAnswer))
async def retry(
    request: Request,
    response: Response,
    task_id: PathTaskId,
    who: Operator,
    key: IdempotencyKey,
    owner: WhoseQuery,
) -> TaskAnswer:
    """Run anybody's failed or cancelled task again, as a new one of the same owner."""
    overseen = parts_of(request).commands.overseen(request, who, owner)
    audit.record("admin.tasks.retry", who.owner, task_id=task_id, owner=overseen.owner)
    return await retry_one(request, response, overseen, task_id, key)


@router.post("/dead-letters/redrive")
async def redrive(request: Request, body: LettersRequest, who: Operator) -> LettersAnswer:
    """Put the tasks of dead queue entries into their queues again."""
    letters, by = parts_of(request).dead_letters, Actor("operator", who.owner)
    step = partial(letters.redrive, by=by)
    return await _each(request, who, "admin.dead-letters.redrive", step, body.ids)


@router.post("/dead-letters/drop")
async def drop(request: Request, body: LettersRequest, who: Operator) -> LettersAnswer:
    """Remove dead letters that nobody needs; one whose task has nothing but it stays."""
    letters = parts_of(request).dead_letters
    return await _each(request, who, "admin.dead-letters.drop", letters.drop, body.ids)


async def _each(
    request: Request,
    who: Caller,
    action: str,
    step: Callable[[Sequence[str]], dict[str, str | None]],
    ids: Sequence[str],
) -> LettersAnswer:
    audit.record(action, who.owner, letters=" ".join(ids))
    partitions = settings_of(request).partitions
    there = [letter for letter in ids if int(letter.partition(":")[0]) < partitions]
    outcomes = {letter: "there is no such partition" for letter in ids if letter not in there}
    outcomes |= await asyncio.to_thread(step, there)
    return LettersAnswer(
        outcomes=[
            LetterOutcome(id=letter, done=why is None, reason=why)
            for letter, why in outcomes.items()
        ]
    )
