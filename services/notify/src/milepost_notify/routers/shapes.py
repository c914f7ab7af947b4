"""Owns how answers are described to readers of the OpenAPI document. Makes no answer.

Answers are made of plain values and not validated again: tests hold them to these models.
"""

from typing import Any

from pydantic import BaseModel, Field, JsonValue

from milepost.events import ActorKind, Problem
from milepost.records import Liveness, Task
from milepost.task_state import Status


class NotifiedTask(Task):
    """A task as a notification tells of it: `params` are left out."""

    params: dict[str, Any] = Field(default_factory=dict[str, Any], exclude=True)
    task_id: str
    """The task's `id`."""
    result_omitted: bool
    """The result is larger than 4 KiB: it is in GET /tasks/{id}."""


class Notification(BaseModel):
    """The newest of one name about one task, or about all of an owner's."""

    id: str
    """Cursor of this row."""
    name: str
    """`task_progress`, `unread_message_count`, or one not known to this reader."""
    data: JsonValue
    """`task_progress`: the task, without `params`, with `task_id` and `result_omitted`.
    `unread_message_count`: ended tasks neither read nor dismissed."""
    timestamp: float
    """Seconds since the epoch."""


class Notifications(BaseModel):
    """A page, oldest first."""

    notifications: list[Notification]
    cursor: str
    """Ask with it for what comes next."""
    gap: bool
    """The cursor asked with means nothing any more: this begins the whole current state."""
    next_poll_ms: int
    """How soon to ask again, 250..5,000."""


class Tasks(BaseModel):
    """A page of tasks, newest first."""

    tasks: list[Task]
    before: str | None
    """Ask with it for older ones; null on the last page."""
    gap: bool
    """The cursor asked with means nothing any more: this is the first page."""


class Actor(BaseModel):
    """Who caused an event."""

    kind: ActorKind
    id: str
    """Empty for operators: only operators see who it was."""


class Event(BaseModel):
    """What happened to a task."""

    id: str
    """Cursor of the event."""
    type: str
    v: int
    """Version of `data`."""
    attempt: int
    at: str
    by: Actor
    trace: str | None
    """W3C traceparent; null for most."""
    task: str
    owner: str
    data: dict[str, JsonValue]


class Events(BaseModel):
    """A page of a task's history, oldest first."""

    events: list[Event]
    after: str
    """Ask with it for later ones."""
    gap: bool
    """The cursor asked with means nothing any more: this is the first page."""


class Explanation(BaseModel):
    """Why a task is not running or not done."""

    id: str
    status: Status
    reason: str
    """For programs: scheduled, queued, due, returned, retrying, no_worker (nobody offers its type
    or queue), own_limit (it waits for its owner's other tasks), no_room (workers run as many of its
    type as they may), runs_alone (two workers vanished with it), running, quiet, lost (its worker
    is gone), paused (by an operator), ended_elsewhere (its end is not here), or how it ended."""
    words: str
    """A sentence for people."""
    since: str
    """When the present state began, as far as is known."""
    runs_at: str | None
    attempt: int
    failures: int
    crashes: int
    queue: str
    queue_position: int | None
    """Approximate number of tasks before it; null when not queued or unknown."""
    no_worker_since: str | None
    """Where no live worker offers its type or queue: when one last did, if within 30 days."""
    paused_since: str | None
    """Where an operator has paused its queue or type: since when."""
    vanished_at: str | None
    """Where its worker is gone: when it was last heard of, if anybody saw."""
    liveness: Liveness | None
    eta_at: str | None
    error: Problem | None
