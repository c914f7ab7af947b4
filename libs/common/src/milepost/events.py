"""Owns the facts the log is made of: one frozen class per event type. Decides nothing.

An event once released is decoded for ever: fields are only added, with a default; a change of
meaning is a new version `v` and an upcaster in `codec`. Times are milliseconds since the epoch by
Redis' clock. Type names are literal strings, never Python paths.
"""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from milepost.cursors import StreamId
from milepost.keys import Priority

MAX_TIME_MS = 253_402_300_799_999
"""The end of the year 9999: the last time that RFC 3339 can write."""

TimeMs = Annotated[int, Field(ge=0, le=MAX_TIME_MS)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Payload(BaseModel):
    """What happened, without where and when. Readers ignore fields they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ClassVar[str]
    v: ClassVar[int] = 1


class Problem(BaseModel):
    """What a task's owner may read of an error; never exception text."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    """Stable word for programs, such as `failed`, `params_changed`, `worker_lost`."""
    message: str
    """What `Fail` said, or "This did not work (reference R)"."""
    reference: str
    """Finds the matching log lines of the worker."""


class TaskCreated(Payload):
    """A task was accepted: from here on it will run to an end."""

    type = "task.created"

    task_type: str
    """Name of the task type, such as `mail.send`."""
    title: str
    """1..200 characters, shown to the owner."""
    queue: str
    priority: Priority = "normal"
    params: dict[str, Any]
    """As submitted and checked against the type's JSON Schema."""
    tags: tuple[str, ...] = ()
    runs_at: TimeMs | None = None
    """Not before this time, ms; null when ready at once."""
    quiet_after_seconds: float = Field(default=60.0, ge=0, allow_inf_nan=False)
    """Without news for so long a running task is called quiet."""
    parent: str | None = None
    """Id of the task that submitted this one; null for people and applications."""
    retry_of: str | None = None
    """Id of the ended task this one repeats; null otherwise."""


class TaskStarted(Payload):
    """A worker began an attempt. The event's `attempt` is one more than the last."""

    type = "task.started"

    worker: str
    """The worker process incarnation."""
    build: str | None = None
    """Of that worker's code, as it was set; null where it does not say."""


class TaskProgressed(Payload):
    """The newest of everything a running attempt has told about itself."""

    type = "task.progressed"

    progress: float = Field(ge=0, lt=100)
    """Percent, never falling within an attempt, below 100: 100 is for success alone."""
    indeterminate: bool = False
    """True while the task cannot say how much there is to do."""
    done: float | None = None
    """Items done; null when the task counts none."""
    total: float | None = None
    """Items in all; null when unknown."""
    message: str | None = None
    """Up to 500 characters; null when there is none."""
    step: str | None = None
    """Name of the current step; null when there is none."""


class TaskLogged(Payload):
    """A line the task wrote for its owner."""

    type = "task.logged"

    text: str


class TaskRetrying(Payload):
    """An attempt failed and another will follow."""

    type = "task.retrying"

    error: Problem
    runs_at: TimeMs
    """Not before this time, ms."""
    failures: Count
    """Attempts that have failed so far; counts against max_attempts."""
    detail: str | None = None
    """Exception and traceback, for operators only; null when the task chose to retry."""


class TaskReturned(Payload):
    """A running attempt was taken from its worker and the task is queued again."""

    type = "task.returned"

    reason: Literal["shutdown", "worker_lost"]
    """`shutdown`: handed back; `worker_lost`: taken over from a worker that vanished."""
    worker: str
    crashes: Count
    """Takeovers so far."""


class TaskSucceeded(Payload):
    """The end, well: the only thing that makes 100 %."""

    type = "task.succeeded"

    result: JsonValue = None
    """What the task function returned, at most 64 KiB of JSON."""


class TaskFailed(Payload):
    """The end, not well."""

    type = "task.failed"

    error: Problem
    failures: Count = 0
    detail: str | None = None
    """Exception and traceback, for operators only; null when the task said `Fail`."""


class TaskCancelRequested(Payload):
    """The owner asked a running task to stop; it may still succeed."""

    type = "task.cancel_requested"


class TaskCancelled(Payload):
    """The end, at the owner's wish."""

    type = "task.cancelled"


class TaskDismissed(Payload):
    """The owner closed an ended task: it is shown no more, but kept."""

    type = "task.dismissed"


class TaskRedriven(Payload):
    """An operator queued a task again whose queue entry nobody could read."""

    type = "task.redriven"


class InboxRead(Payload):
    """The owner has seen everything up to a position."""

    type = "inbox.read"

    until: str
    """Stream id, `ms-seq`, of the last event that counts as read."""


class WorkPaused(Payload):
    """An operator paused a queue or a task type: nothing of it is started until it is resumed."""

    type = "work.paused"

    what: Literal["queue", "type"]
    name: str
    reason: str | None = None
    """As the operator gave it, for the owners of waiting tasks to read; null for none."""


class WorkResumed(Payload):
    """An operator let a paused queue or task type go on."""

    type = "work.resumed"

    what: Literal["queue", "type"]
    name: str


type_names: dict[str, type[Payload]] = {
    payload.type: payload
    for payload in (
        TaskCreated,
        TaskStarted,
        TaskProgressed,
        TaskLogged,
        TaskRetrying,
        TaskReturned,
        TaskSucceeded,
        TaskFailed,
        TaskCancelRequested,
        TaskCancelled,
        TaskDismissed,
        TaskRedriven,
        InboxRead,
        WorkPaused,
        WorkResumed,
    )
}

OF_NO_TASK: tuple[type[Payload], ...] = (InboxRead, WorkPaused, WorkResumed)
"""Events that are about no single task."""

ActorKind = Literal["owner", "service", "operator", "system", "task"]


class Actor(NamedTuple):
    """Who caused an event."""

    kind: ActorKind
    id: str


class Event(NamedTuple):
    """A payload with its place in the log."""

    partition: int
    id: StreamId
    task: str
    """Task id; empty for inbox.* events, `work` for work.* ones."""
    owner: str
    """Whose task it is; of work.* events the operator's own."""
    by: Actor
    at: int
    """Milliseconds since the epoch, Redis' clock; before the id's where it stepped back."""
    attempt: int
    """The attempt it belongs to; 0 before the first start."""
    trace: str | None
    """W3C traceparent; stored on created and started only."""
    payload: Payload
