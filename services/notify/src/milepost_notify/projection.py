"""Owns what each event makes of its task's row. No I/O, no clock: row and event say it all.

It folds only from what thinning keeps: of progress events the first and the last of an attempt, and
milestones of its rate.
"""

from collections.abc import Callable
from math import isfinite
from typing import Any

from pydantic_core import to_json

from milepost import events as e
from milepost.errors import MilepostError
from milepost.events import Event
from milepost.records import MAX_NOTIFIED_RESULT_BYTES
from milepost.task_state import ENDED, Status
from milepost_notify.created import created_row
from milepost_notify.rates import begun, measured
from milepost_notify.rows import TaskRow

MOST_BEFORE_SUCCESS = 99.9
NEVER_CREATED = "of a task that was never created"
"""How a reason ends where a database lacks what the log no longer has."""


class Unprojectable(MilepostError):
    """The event does not follow from what is known of its task; the message is the reason."""


def project(row: TaskRow | None, event: Event) -> TaskRow:
    """Return the row after `event`: the same object where it changes nothing.

    What the log never has changes nothing, so that nobody sees a bar go backwards or an end
    undone if it had: reports of another attempt than the running one, anything but a dismissal
    behind an end. A second `created` starts over: its id was used again, long after the end.

    Raises:
        Unprojectable: the task was never created, as far as we know.
    """
    payload = event.payload
    if type(payload) is e.TaskCreated:  # isinstance asks pydantic's metaclass: slow by thousands
        return created_row(event, payload)
    if row is None:
        raise Unprojectable(f"{payload.type} {NEVER_CREATED}")
    step = _STEPS.get(type(payload))
    if step is None or (row["status"] in ENDED and step is not _dismissed):
        return row
    return step(row, event, payload)


def _started(row: TaskRow, event: Event, told: e.TaskStarted) -> TaskRow:
    first = row["started_at"] is None
    return {
        **row,
        "position": event.id.sortable,
        "status": "running",
        "attempt": event.attempt,
        "progress": 0.0,
        "progress_from": None,
        "progress_position": None,
        "indeterminate": True,
        "message": None,
        "step": None,
        "done": None,
        "total": None,
        "worker": told.worker,
        "build": told.build,
        "error": None,
        "started_at": event.at if first else row["started_at"],
        "attempt_started_at": event.at,
        "progress_at": event.at,
        **begun(event.at, first=first),
    }


def _progressed(row: TaskRow, event: Event, told: e.TaskProgressed) -> TaskRow:
    if row["status"] != "running" or row["attempt"] != event.attempt:
        return row
    progress = max(row["progress"], min(told.progress, MOST_BEFORE_SUCCESS))
    position, n = event.id.sortable, row["progress_count"] + 1
    return {
        **row,
        "position": position,
        "progress": progress,
        "indeterminate": told.indeterminate,
        "message": told.message,
        "step": told.step,
        "done": _finite(told.done),
        "total": _finite(told.total),
        "progress_count": n,
        "progress_from": n if row["progress_from"] is None else row["progress_from"],
        "progress_position": position,
        "progress_at": event.at,
        **measured(row, n, progress, event.at),
    }


def _logged(row: TaskRow, event: Event, _: e.TaskLogged) -> TaskRow:
    if row["status"] != "running" or row["attempt"] != event.attempt:
        return row
    return {**row, "position": event.id.sortable, "progress_at": event.at}


def _retrying(row: TaskRow, event: Event, told: e.TaskRetrying) -> TaskRow:
    error = told.error.model_dump_json()
    left = _left(row, event, "retrying")
    return {**left, "failures": told.failures, "error": error, "runs_at": told.runs_at}


def _returned(row: TaskRow, event: Event, told: e.TaskReturned) -> TaskRow:
    return {**_left(row, event, "queued"), "crashes": told.crashes}


def _succeeded(row: TaskRow, event: Event, told: e.TaskSucceeded) -> TaskRow:
    result = None
    if told.result is not None:
        result = to_json(told.result, inf_nan_mode="null").decode()
    large = result is not None and len(result.encode()) > MAX_NOTIFIED_RESULT_BYTES
    return {
        **_ended(row, event, "succeeded"),
        "progress": 100.0,
        "error": None,
        "result": None if large else result,
        "result_omitted": large,
    }


def _failed(row: TaskRow, event: Event, told: e.TaskFailed) -> TaskRow:
    error = told.error.model_dump_json()
    return {**_ended(row, event, "failed"), "failures": told.failures, "error": error}


def _cancelled(row: TaskRow, event: Event, _: e.TaskCancelled) -> TaskRow:
    return _ended(row, event, "cancelled")


def _cancel_requested(row: TaskRow, event: Event, _: e.TaskCancelRequested) -> TaskRow:
    return {**row, "position": event.id.sortable, "cancel_requested_at": event.at}


def _dismissed(row: TaskRow, event: Event, _: e.TaskDismissed) -> TaskRow:
    # Who closes it has seen it; so the row is the same whether `inbox.read` came before or behind.
    return {**row, "position": event.id.sortable, "dismissed": True, "read": True}


def _left(row: TaskRow, event: Event, status: Status) -> TaskRow:
    """The row of a task that no worker runs any more."""
    position = event.id.sortable
    return {**row, "position": position, "status": status, "indeterminate": False, "worker": None}


def _ended(row: TaskRow, event: Event, status: Status) -> TaskRow:
    left = _left(row, event, status)
    return {**left, "ended_position": left["position"], "ended_at": event.at}


def _finite(number: float | None) -> float | None:
    """JSON from a worker may hold what JSON for people cannot."""
    return number if number is not None and isfinite(number) else None


_STEPS: dict[type[e.Payload], Callable[[TaskRow, Event, Any], TaskRow]] = {
    e.TaskStarted: _started,
    e.TaskProgressed: _progressed,
    e.TaskLogged: _logged,
    e.TaskRetrying: _retrying,
    e.TaskReturned: _returned,
    e.TaskSucceeded: _succeeded,
    e.TaskFailed: _failed,
    e.TaskCancelled: _cancelled,
    e.TaskCancelRequested: _cancel_requested,
    e.TaskDismissed: _dismissed,
}
