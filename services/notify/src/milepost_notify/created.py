"""Owns the row of a task that has just been accepted. No I/O."""

from pydantic_core import to_json

from milepost.events import Event, TaskCreated
from milepost_notify.rows import TaskRow


def created_row(event: Event, told: TaskCreated) -> TaskRow:
    """The row of a task that has just been accepted."""
    position = event.id.sortable
    return {
        "owner": event.owner,
        "id": event.task,
        "position": position,
        "created_position": position,
        "ended_position": None,
        "type": told.task_type,
        "title": told.title,
        "tags": to_json(told.tags).decode() if told.tags else "[]",
        "queue": told.queue,
        "priority": told.priority,
        "status": "queued" if told.runs_at is None else "scheduled",
        "progress": 0.0,
        "indeterminate": False,
        "message": None,
        "step": None,
        "done": None,
        "total": None,
        "attempt": 0,
        "failures": 0,
        "crashes": 0,
        "progress_count": 0,
        "progress_from": None,
        "progress_position": None,
        "children_count": 0,
        "worker": None,
        "build": None,
        "error": None,
        "result": None,
        "result_omitted": False,
        "dismissed": False,
        "read": False,
        "retry_of": told.retry_of,
        "parent": told.parent,
        "quiet_after_seconds": told.quiet_after_seconds,
        "created_at": event.at,
        "runs_at": told.runs_at,
        "started_at": None,
        "attempt_started_at": None,
        "progress_at": None,
        "ended_at": None,
        "cancel_requested_at": None,
        "rate_from": None,
        "rate_from_at": None,
        "rate_next": None,
        "rate_next_at": None,
    }
