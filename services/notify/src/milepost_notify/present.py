"""Owns how rows look to people: the public task record, notifications, events. No I/O.

What depends on the clock, the queue or a worker (`eta_at`, `queue_position`, `liveness`) is
computed here; clock and standing are arguments.
"""

from typing import Any

from pydantic_core import from_json

from milepost.cursors import StreamId
from milepost.errors import NewerEvent
from milepost.events import MAX_TIME_MS
from milepost.records import Liveness, rfc3339
from milepost_notify.archive import HistoryRow, payload_of
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.rows import TASK_PROGRESS, NotificationRow, TaskRow
from milepost_notify.standing import UNKNOWN, Standing, has_ended, is_lost, queue_position

Json = dict[str, Any]


def task_record(
    row: TaskRow, params: Json, result: Any, at: Checkpoint, now_ms: int, standing: Standing
) -> Json:
    """A task with everything, as `milepost.records.Task`.

    Args:
        params: from the event that created it.
        result: from the event that ended it, whatever its size.
        at: of the snapshot the row was read in.
    """
    return {**_shown(row, at, now_ms, standing), "params": params, "result": result}


def notification(
    row: NotificationRow,
    task: TaskRow | None,
    at: Checkpoint,
    now_ms: int,
    standing: Standing = UNKNOWN,
) -> Json:
    """One element of `notifications`; `task` is the row that a task_progress is about."""
    data: Any = row["number"]
    if task is not None:
        result = None if task["result"] is None else from_json(task["result"])
        data = {
            "task_id": task["id"],
            **_shown(task, at, now_ms, standing),
            "result": result,
            "result_omitted": task["result_omitted"],
        }
    position = StreamId.from_sortable(row["position"])
    return {
        "id": str(at.cursor(position, row["ordinal"])),
        "name": row["name"],
        "data": data,
        "timestamp": row["timestamp_ms"] / 1000,
    }


def event_record(
    row: HistoryRow, at: Checkpoint, *, with_detail: bool, for_operators: bool
) -> Json:
    """One element of `events`; exception text only `with_detail`, which operator did something only
    `for_operators`."""
    version, data = _data(row)
    if not with_detail:
        data.pop("detail", None)
    return {
        "id": str(at.cursor(StreamId.from_sortable(row["position"]), 0)),
        "type": row["type"],
        "v": version,
        "attempt": row["attempt"],
        "at": rfc3339(row["at_ms"]),
        "by": {
            "kind": row["by_kind"],
            "id": row["by_id"] if for_operators or row["by_kind"] != "operator" else "",
        },
        "trace": row["trace"],
        "task": row["task_id"],
        "owner": row["owner"],
        "data": data,
    }


def data_of(row: HistoryRow) -> Json:
    """All that an event says, exception text too: for operators."""
    return _data(row)[1]


def params_of(row: HistoryRow) -> Json:
    """The params in the event that created a task."""
    return _data(row)[1].get("params", {})


def result_of(row: HistoryRow) -> Any:
    """The result in the event that ended a task; null where it did not succeed."""
    return _data(row)[1].get("result")


def liveness(row: TaskRow, now_ms: int, standing: Standing = UNKNOWN) -> Liveness | None:
    """Whether a running task's worker is there and has told anything lately; null when it is not
    running."""
    if row["status"] != "running" or row["progress_at"] is None or has_ended(row, standing):
        return None
    if is_lost(row, standing):
        return "lost"
    quiet_from_ms = row["progress_at"] + row["quiet_after_seconds"] * 1000
    return "quiet" if now_ms > quiet_from_ms else "moving"


def eta_ms(row: TaskRow, now_ms: int) -> int | None:
    """When it will be done at the recent rate of this attempt (see `rates`); null when unknown.

    Measured when it last told something; when that time has passed, now, so that an estimate is
    never in the past.
    """
    since, base, told = row["rate_from_at"], row["rate_from"], row["progress_at"]
    if row["status"] != "running" or row["indeterminate"]:
        return None
    if since is None or base is None or told is None or row["progress"] <= base or told <= since:
        return None
    ms_per_percent = (told - since) / (row["progress"] - base)
    estimate = told + ms_per_percent * (100 - row["progress"])
    if estimate < now_ms:
        ms_per_percent = (now_ms - since) / (row["progress"] - base)
        estimate = now_ms + ms_per_percent * (100 - row["progress"])
    return round(estimate) if estimate <= MAX_TIME_MS else None


def is_task(row: NotificationRow) -> bool:
    """Whether the data of a notification is a task."""
    return row["name"] == TASK_PROGRESS


def _data(row: HistoryRow) -> tuple[int, Json]:
    """Version and data of an event with all their fields; as stored, where a later version of this
    code, which may run beside it, has written it."""
    try:
        payload = payload_of(row)
    except NewerEvent:
        return row["v"], from_json(row["data"])
    return payload.v, payload.model_dump(mode="json")


def _shown(row: TaskRow, at: Checkpoint, now_ms: int, standing: Standing) -> Json:
    return {
        "id": row["id"],
        "type": row["type"],
        "title": row["title"],
        "tags": from_json(row["tags"]),
        "queue": row["queue"],
        "priority": row["priority"],
        "owner": row["owner"],
        "status": row["status"],
        "progress": row["progress"],
        "indeterminate": bool(row["indeterminate"]),
        "message": row["message"],
        "step": row["step"],
        "done": row["done"],
        "total": row["total"],
        "eta_at": rfc3339(eta_ms(row, now_ms)),
        "attempt": row["attempt"],
        "queue_position": queue_position(row, standing),
        "liveness": liveness(row, now_ms, standing),
        "progress_at": rfc3339(row["progress_at"]),
        "quiet_after_seconds": row["quiet_after_seconds"],
        "error": None if row["error"] is None else from_json(row["error"]),
        "dismissed": bool(row["dismissed"]),
        "read": bool(row["read"]),
        "cancel_requested_at": rfc3339(row["cancel_requested_at"]),
        "created_at": rfc3339(row["created_at"]),
        "runs_at": rfc3339(row["runs_at"]),
        "started_at": rfc3339(row["started_at"]),
        "ended_at": rfc3339(row["ended_at"]),
        "retry_of": row["retry_of"],
        "parent": row["parent"],
        "children_count": row["children_count"],
        "revision": str(at.revision(StreamId.from_sortable(row["position"]))),
    }
