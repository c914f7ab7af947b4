"""Owns what the terminal client says to the services beyond one task. Sends nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from milepost.conversations import WAIT_SECONDS, read
from milepost.errors import NotFound
from milepost.exchanges import ANSWER_SECONDS, PATIENT_PAUSES_SECONDS, Ask, Conversation, answered
from milepost.records import Task
from milepost.task_state import ENDED
from milepost.task_types import TaskType

PAGE = 1000


def task_types() -> Conversation[list[Mapping[str, Any]]]:
    """The task types that the caller may submit."""
    return answered(Ask("submit", "GET", "/api/submit/task-types"))


def tasks(query: Mapping[str, str], limit: int) -> Conversation[list[dict[str, Any]]]:
    """The newest tasks, as many as there are up to `limit`."""
    found: list[dict[str, Any]] = []
    before: str | None = None
    while len(found) < limit:
        wanted = {**query, "limit": str(min(limit - len(found), PAGE))}
        if before is not None:
            wanted["before"] = before
        page = yield from answered(Ask("notify", "GET", "/api/notify/tasks", wanted))
        found, before = found + page["tasks"], page["before"]
        if before is None:
            break
    return found


def events(task_id: str) -> Conversation[list[dict[str, Any]]]:
    """Everything that has happened to a task, oldest first."""
    found: list[dict[str, Any]] = []
    query = {"limit": str(PAGE)}
    while True:
        path = f"/api/notify/tasks/{task_id}/events"
        page = yield from answered(Ask("notify", "GET", path, query))
        if not page["events"]:
            return found
        found += page["events"]
        query["after"] = page["after"]


def explanation(task_id: str) -> Conversation[dict[str, Any]]:
    """Why a task is where it is."""
    return answered(Ask("notify", "GET", f"/api/notify/tasks/{task_id}/explain"))


def again(task_id: str, key: str) -> Conversation[dict[str, Any]]:
    """Run a failed or cancelled task again; `key` makes one of it however often it is asked."""
    return answered(Ask("submit", "POST", f"/api/submit/tasks/{task_id}/retry", key=key))


def everything(shown: dict[str, Task], tag: str | None) -> Conversation[None]:
    """Keep `shown` what there is of the owner's that is not dismissed; tell what changed, for ever.

    A task comes without params, and without a large result.
    """
    cursor: str | None = None
    filters = {} if tag is None else {"tag": tag}
    while True:
        query = {**filters, "limit": str(PAGE), "wait": str(WAIT_SECONDS)}
        if cursor is not None:
            query["since"] = cursor
        ask = Ask(
            "notify", "GET", "/api/notify/notifications", query,
            seconds=WAIT_SECONDS + ANSWER_SECONDS,
        )  # fmt: skip
        page = yield from answered(ask, PATIENT_PAUSES_SECONDS)
        cursor = page["cursor"]
        if page["gap"]:
            shown.clear()
        changed = list[Task]()
        for row in page["notifications"]:
            if row["name"] == "task_progress":
                task = Task.model_validate({**row["data"], "params": {}})
                shown[task.id] = task
                if task.dismissed:
                    del shown[task.id]
                changed.append(task)
        for task in changed:
            yield task


def several(shown: dict[str, Task], ids: Sequence[str]) -> Conversation[None]:
    """Keep `shown` what these tasks are, in this order; tell each as it is now, what changes, and
    each end with everything. Ends when all have ended."""
    cursor: str | None = None
    for id in ids:
        shown[id] = task = yield from read(id, None)
        # The first one's: what changes while the others are read is told as well.
        cursor = cursor or task.revision
        yield task
    while any(task.status not in ENDED for task in shown.values()):
        query = {"since": cursor or "", "limit": str(PAGE), "wait": str(WAIT_SECONDS)}
        ask = Ask(
            "notify", "GET", "/api/notify/notifications", query,
            seconds=WAIT_SECONDS + ANSWER_SECONDS,
        )  # fmt: skip
        page = yield from answered(ask, PATIENT_PAUSES_SECONDS)
        cursor = page["cursor"]
        rows = [row["data"] for row in page["notifications"] if row["name"] == "task_progress"]
        news = {data["id"]: data for data in rows if data["id"] in shown}
        # After a gap one may be missing that was dismissed, or that comes with a later page.
        for id in shown if page["gap"] else news:
            if shown[id].status in ENDED:
                continue
            if page["gap"]:
                shown[id] = yield from read(id, None)
            elif news[id]["status"] in ENDED:  # a notification leaves large results out
                shown[id] = yield from read(id, None, news[id]["revision"])
            else:
                shown[id] = Task.model_validate({**news[id], "params": shown[id].params})
            yield shown[id]


def type_named(types: list[Mapping[str, Any]], name: str) -> TaskType:
    """One of the task types.

    Raises:
        NotFound: there is none of that name for the caller.
    """
    for each in types:
        if each["name"] == name:
            return TaskType.model_validate(each)
    known = ", ".join(sorted(str(each["name"]) for each in types)) or "none"
    raise NotFound(404, {"title": f"no task type {name} for you; there are: {known}"})
