"""Owns operators' endpoints that pause and resume queues and task types. Decides nothing.

Each needs the scope `admin`, is in the audit trail and, where it changed anything, in the log.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from milepost.records import rfc3339
from milepost.task_types import NAME_PATTERN, QUEUE_PATTERN
from milepost_log.paused import Pause, What
from milepost_service import audit
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import Operator, operator
from milepost_service.bodies import strict_route
from milepost_submit.parts import parts_of
from milepost_submit.requests import PauseAnswer, PauseRequest, PausesAnswer

router = APIRouter(
    prefix="/api/submit/admin/pauses",
    route_class=strict_route(guard=operator),
    responses=PROBLEM_RESPONSES,
    tags=["operators"],
)

QueueName = Annotated[str, Path(pattern=QUEUE_PATTERN)]
TypeName = Annotated[str, Path(pattern=NAME_PATTERN, max_length=100)]


@router.get("")
async def pauses(request: Request, who: Operator) -> PausesAnswer:
    """What is paused: since when, by whom and why."""
    audit.record("admin.pauses.read", who.owner)
    return PausesAnswer(pauses=[_shown(each) for each in await parts_of(request).pauses.all()])


@router.put("/queues/{name}")
async def pause_queue(
    request: Request, name: QueueName, who: Operator, body: PauseRequest | None = None
) -> PauseAnswer:
    """Start nothing of a queue from this answer on; what runs goes on, and submitting too.
    Repeatable: it stays paused since the first time, by the last reason."""
    return await _pause(request, "queue", name, who.owner, body)


@router.delete("/queues/{name}", status_code=204)
async def resume_queue(request: Request, name: QueueName, who: Operator) -> Response:
    """Let a queue go on, at once. Repeatable."""
    return await _resume(request, "queue", name, who.owner)


@router.put("/types/{name}")
async def pause_type(
    request: Request, name: TypeName, who: Operator, body: PauseRequest | None = None
) -> PauseAnswer:
    """Start no task of a type from this answer on, in whichever queue; others pass by them.
    Repeatable."""
    return await _pause(request, "type", name, who.owner, body)


@router.delete("/types/{name}", status_code=204)
async def resume_type(request: Request, name: TypeName, who: Operator) -> Response:
    """Let a type go on, at once. Repeatable."""
    return await _resume(request, "type", name, who.owner)


async def _pause(
    request: Request, what: What, name: str, by: str, body: PauseRequest | None
) -> PauseAnswer:
    audit.record("admin.pauses.pause", by, what=f"{what} {name}")
    reason = None if body is None else body.reason
    return _shown(await parts_of(request).pauses.pause(what, name, by=by, reason=reason))


async def _resume(request: Request, what: What, name: str, by: str) -> Response:
    audit.record("admin.pauses.resume", by, what=f"{what} {name}")
    await parts_of(request).pauses.resume(what, name, by=by)
    return Response(status_code=204)


def _shown(pause: Pause) -> PauseAnswer:
    return PauseAnswer(
        what=pause.what,
        name=pause.name,
        since=rfc3339(pause.since_ms),
        by=pause.by,
        reason=pause.reason,
        everywhere=pause.everywhere,
    )
