"""Owns the endpoints that change what is there: cancel, dismiss, mark as read. Makes no task."""

from fastapi import APIRouter, Request, Response

from milepost.cursors import Cursor
from milepost.errors import InvalidCursor
from milepost.problems import HttpProblem, field_error
from milepost.task_state import ENDED
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import Writer, writer
from milepost_service.bodies import strict_route
from milepost_submit.owned import ForeignCursor
from milepost_submit.parts import parts_of
from milepost_submit.requests import CancelAnswer, ReadRequest
from milepost_submit.routers.asked import (
    OwnerQuery,
    PathTaskId,
    one_owner,
    refused,
    unknown_task,
)

router = APIRouter(
    prefix="/api/submit",
    route_class=strict_route(guard=writer),
    responses=PROBLEM_RESPONSES,
    tags=["tasks"],
)


@router.post("/tasks/{task_id}/cancel", status_code=202)
async def cancel(
    request: Request, task_id: PathTaskId, who: Writer, owner: OwnerQuery = None
) -> CancelAnswer:
    """Ask a task to stop; it may still succeed. Repeatable; 409 when it has ended otherwise."""
    owned = parts_of(request).commands.of(request, who, owner)
    status = await owned.cancel(task_id)
    if status is None:
        ended = await owned.archived(task_id)
        if ended is None:
            raise unknown_task()
        raise refused(ended.status)
    if status in ENDED and status != "cancelled":
        raise refused(status)
    return CancelAnswer(id=task_id, status=status)


@router.post("/tasks/{task_id}/dismiss", status_code=204)
async def dismiss(
    request: Request, task_id: PathTaskId, who: Writer, owner: OwnerQuery = None
) -> Response:
    """Show an ended task no more. Repeatable; 409 while it lives."""
    owned = parts_of(request).commands.of(request, who, owner)
    status = await owned.dismiss(task_id)
    if status is None:
        ended = await owned.archived(task_id)
        if ended is None:
            raise unknown_task()
        if ended.status not in ENDED:
            raise refused(ended.status)
        if ended.dismissed:
            return Response(status_code=204)
        await owned.dismiss(task_id, known_ended=True)
    elif status != "ok":
        raise refused(status)
    return Response(status_code=204)


@router.post("/inbox/read", status_code=204)
async def read(
    request: Request, body: ReadRequest, who: Writer, owner: OwnerQuery = None
) -> Response:
    """Everything up to a cursor has been seen. Repeatable; the mark never goes back."""
    owned = parts_of(request).commands.of(request, who, one_owner(body.owner, owner))
    try:
        cursor = Cursor.parse(body.until)
    except InvalidCursor as err:
        raise _not_a_cursor("not a cursor") from err

    try:
        await owned.read(cursor)
    except ForeignCursor as err:
        raise _not_a_cursor("a cursor of another owner") from err
    return Response(status_code=204)


def _not_a_cursor(msg: str) -> HttpProblem:
    error = field_error(["body", "until"], msg)
    return HttpProblem(422, "invalid", "Not a cursor", errors=[error])
