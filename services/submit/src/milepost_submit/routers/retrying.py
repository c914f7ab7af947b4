"""Owns running an ended task again, for its owner or for an operator. `decisions` has the rules."""

from fastapi import Request, Response

from milepost_submit.decisions import Original, decide_retry
from milepost_submit.owned import Owned
from milepost_submit.parts import parts_of
from milepost_submit.refusals import Refusal
from milepost_submit.requests import TaskAnswer
from milepost_submit.routers.appending import append_one
from milepost_submit.routers.asked import fresh_id, limits_of, settings_of, unknown_task


async def retry_one(
    request: Request, response: Response, owned: Owned, task_id: str, key: str | None
) -> TaskAnswer:
    """Make a new task of the same owner whose `retry_of` is this.

    Args:
        key: the Idempotency-Key, if one was sent.

    Raises:
        HttpProblem: 404, 409 unless it failed or was cancelled, and as for every new task.
    """
    parts, settings = parts_of(request), settings_of(request)
    live = await owned.request_of(task_id)
    if live is None:
        original = await owned.archived(task_id)
    else:
        status, made = live
        if made is None:
            raise Refusal(409, "refused", f"The task is {status}").problem("body")
        original = Original(
            task_id, status, made.task_type, made.title, made.tags, made.priority, made.params
        )
    if original is None:
        raise unknown_task()
    types = await parts.catalogue.types({original.type})
    try:
        task = decide_retry(
            original,
            owned.type_of(types, original.type),
            fresh_id=fresh_id(request),
            limits=limits_of(settings),
            idempotency_key=key,
        )
    except Refusal as refusal:
        raise refusal.problem("body") from refusal
    may_repeat = key is not None
    answer, response.status_code, headers = await append_one(owned, task, may_repeat=may_repeat)
    response.headers.update(headers)
    return answer
