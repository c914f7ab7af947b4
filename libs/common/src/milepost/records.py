"""Owns the task as people see it: the public record and its JSON. Reads nothing from anywhere."""

from datetime import UTC, datetime
from typing import Any, Literal, overload

from pydantic import BaseModel, ConfigDict, JsonValue

from milepost.events import Problem
from milepost.keys import Priority
from milepost.task_state import Status

Liveness = Literal["moving", "quiet", "lost"]
MAX_NOTIFIED_RESULT_BYTES = 4096


@overload
def rfc3339(ms: int) -> str: ...
@overload
def rfc3339(ms: int | None) -> str | None: ...
def rfc3339(ms: int | None) -> str | None:
    """Milliseconds since the epoch as RFC 3339 UTC with milliseconds; null stays null."""
    if ms is None:
        return None
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


class Task(BaseModel):
    """A task as its owner reads it. Every field is always present."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    """UUIDv7."""
    type: str
    title: str
    tags: list[str]
    queue: str
    priority: Priority
    owner: str
    status: Status
    progress: float
    """Percent, 0..100; at most 99.9 until success, which is 100."""
    indeterminate: bool
    """Running, and unable to say how much there is to do."""
    message: str | None
    step: str | None
    done: float | None
    total: float | None
    eta_at: str | None
    """When it will be done at the recent rate; null when unknown."""
    attempt: int
    """0 before the first start."""
    queue_position: int | None
    """Approximate number of tasks before it; null when not queued or unknown."""
    liveness: Liveness | None
    """Null when not running."""
    progress_at: str | None
    """When it last told anything."""
    quiet_after_seconds: float
    params: dict[str, Any]
    result: JsonValue
    error: Problem | None
    dismissed: bool
    read: bool
    cancel_requested_at: str | None
    created_at: str
    runs_at: str | None
    started_at: str | None
    ended_at: str | None
    retry_of: str | None
    parent: str | None
    children_count: int
    revision: str
    """Cursor of the last event in it."""
