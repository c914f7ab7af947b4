"""Owns the way of a request for a task to its decision, into the log and back to the client.

`decisions` has the rules.
"""

from fastapi import Request

from milepost.problems import HttpProblem, field_error
from milepost_log.commands import Accepted, NewTask, RequestConflict, TooManyTasks
from milepost_submit.decisions import decide_new
from milepost_submit.owned import Owned
from milepost_submit.parts import parts_of
from milepost_submit.requests import TaskAnswer, TaskRequest
from milepost_submit.routers.asked import fresh_id, limits_of, settings_of

REPLAYED = {"Idempotent-Replayed": "true"}
"""Says that this is the first answer again; its status is 200."""
_RETRY_AFTER_SECONDS = "5"


async def decided(
    request: Request, owned: Owned, body: TaskRequest, key: str | None = None
) -> NewTask:
    """What a request for one task comes to.

    Args:
        key: the Idempotency-Key, if one was sent.

    Raises:
        Refusal: see `decide_new`; 404 for a type that is not there for this caller.
        LogUnavailable: nobody knows the type, and Redis does not answer.
    """
    types = await parts_of(request).catalogue.types({body.type})
    return decide_new(
        body,
        owned.type_of(types, body.type),
        fresh_id=fresh_id(request),
        parent=owned.parent,
        limits=limits_of(settings_of(request)),
        idempotency_key=key,
    )


async def append_one(
    owned: Owned, task: NewTask, *, may_repeat: bool
) -> tuple[TaskAnswer, int, dict[str, str]]:
    """Append one task; the answer, its status and its headers.

    Args:
        may_repeat: whether the client may have asked before; if not, a replay is our own
            repetition of a step whose answer was lost.
    """
    accepted = (await append(owned, [task]))[0]
    headers = {"Location": f"/api/notify/tasks/{accepted.id}"}
    if may_repeat and accepted.replayed:
        return answer_of(task, accepted), 200, headers | REPLAYED
    return answer_of(task, accepted), 201, headers


async def append(
    owned: Owned,
    tasks: list[NewTask],
    *,
    at: list[str | int] | None = None,
) -> list[Accepted]:
    """Append all tasks or none, in one atomic step.

    Args:
        at: where in the request a batch's tasks stand; null for a single task.

    Raises:
        HttpProblem: 422 for what was used before, 429 for too many live tasks.
        LogFull: there is no room for tasks.
    """
    try:
        return await owned.create(tasks)
    except RequestConflict as err:
        title = "Used before for another request"
        raise _refused(422, "used-before", title, err.index, at) from err
    except TooManyTasks as err:
        first = min(err.room, len(tasks) - 1)
        headers = {"Retry-After": _RETRY_AFTER_SECONDS}
        raise _refused(429, "too-many-tasks", "Too many live tasks", first, at, headers) from err


def answer_of(task: NewTask, accepted: Accepted) -> TaskAnswer:
    """What the client reads of an accepted task."""
    return TaskAnswer(
        id=accepted.id,
        type=task.created.task_type,
        title=task.created.title,
        status=accepted.status,
        revision=accepted.revision,
    )


def _refused(
    status: int,
    slug: str,
    title: str,
    index: int,
    at: list[str | int] | None,
    headers: dict[str, str] | None = None,
) -> HttpProblem:
    errors = [field_error(["body"] if at is None else [*at, index], title)]
    return HttpProblem(status, slug, title, errors=errors, headers=headers)
