"""Owns what is said to the services about tasks: submit, read, follow to the end, cancel.

Sends nothing; see `exchanges`. Times out by `exchanges.within` alone.
"""

from collections.abc import Mapping
from typing import Any

from milepost.exchanges import (
    ANSWER_SECONDS,
    PATIENT_PAUSES_SECONDS,
    Ask,
    Conversation,
    answered,
)
from milepost.records import Task
from milepost.task_state import ENDED

WAIT_SECONDS = 25
"""A long poll's; proxies often give up on 30 s and more."""


def submitted(body: Mapping[str, Any], key: str | None = None) -> Conversation[dict[str, Any]]:
    """Make a task. `body` has an id made by the caller, or else `key` makes one of it."""
    return answered(Ask("submit", "POST", "/api/submit/tasks", body=body, key=key))


def read(task_id: str, owner: str | None, at_least: str | None = None) -> Conversation[Task]:
    """One task with everything, once `at_least` is contained."""
    query = _owned(owner)
    if at_least is not None:
        query["at_least"] = at_least
    path = f"/api/notify/tasks/{task_id}"
    body = yield from answered(
        Ask("notify", "GET", path, query, task=task_id), PATIENT_PAUSES_SECONDS
    )
    return Task.model_validate(body)


def cancelled(task_id: str, owner: str | None) -> Conversation[dict[str, Any]]:
    """Ask a task to stop."""
    return answered(Ask("submit", "POST", f"/api/submit/tasks/{task_id}/cancel", _owned(owner)))


def followed(task_id: str, owner: str | None, at_least: str | None = None) -> Conversation[Task]:
    """Tell how a task is now, every change of it, and its end with everything; that one.

    A change is told once, none that is behind what was told, and the last always; what follows
    closely may be told as one. Goes on by cursor where a connection or a service was lost, and from
    the task itself where the cursor means nothing any more.
    """
    task = yield from read(task_id, owner, at_least)
    yield task
    cursor = task.revision
    while task.status not in ENDED:
        query = {"since": cursor, "wait": str(WAIT_SECONDS), "limit": "1000", **_owned(owner)}
        ask = Ask(
            "notify", "GET", "/api/notify/notifications", query,
            seconds=WAIT_SECONDS + ANSWER_SECONDS, task=task_id,
        )  # fmt: skip
        page = yield from answered(ask, PATIENT_PAUSES_SECONDS)
        cursor = page["cursor"]
        before = task
        if page["gap"]:  # the task may not be in that state: dismissed, or behind the next page
            task = yield from read(task_id, owner)
        for row in page["notifications"]:
            data = row["data"]
            if row["name"] == "task_progress" and data["task_id"] == task_id and not page["gap"]:
                task = Task.model_validate({**data, "params": task.params})
        if task.status in ENDED:  # a notification leaves large results out
            task = yield from read(task_id, owner, task.revision)
        if task != before:
            yield task
    return task


def _owned(owner: str | None) -> dict[str, str]:
    return {} if owner is None else {"owner": owner}
