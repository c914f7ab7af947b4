"""Owns how operators' answers are described to readers of the OpenAPI document. Makes no answer."""

from pydantic import BaseModel

from milepost.events import Problem
from milepost.keys import Priority
from milepost.records import Liveness
from milepost.task_state import Status


class OverseenTask(BaseModel):
    """A task of some owner's, without params and result."""

    id: str
    type: str
    title: str
    tags: list[str]
    queue: str
    priority: Priority
    owner: str
    partition: int
    status: Status
    progress: float
    indeterminate: bool
    message: str | None
    step: str | None
    done: float | None
    total: float | None
    eta_at: str | None
    attempt: int
    failures: int
    """Attempts that failed."""
    crashes: int
    """Times its worker vanished."""
    worker: str | None
    """The incarnation that runs it; null when not running."""
    build: str | None
    """Of the worker that ran it last; null before the first start, or where it did not say."""
    queue_position: int | None
    liveness: Liveness | None
    progress_at: str | None
    quiet_after_seconds: float
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
    before: str
    """Ask with it for tasks older than this one."""


class OverseenTasks(BaseModel):
    """A page, newest first; it may be empty and have another one behind it."""

    tasks: list[OverseenTask]
    before: str | None
    """Ask with it for older ones; null on the last page."""


class Error(BaseModel):
    """A failed attempt."""

    reference: str | None
    """What its owner was told."""
    code: str | None
    message: str | None
    detail: str | None
    """Exception and traceback; null where the task said `Fail`."""
    final: bool
    """The task failed by it; otherwise it was tried again."""
    at: str
    attempt: int
    owner: str
    task: str
    type: str | None
    """Null once the task is removed, as are `title` and `status`."""
    title: str | None
    status: Status | None
    """Of the task now."""


class Errors(BaseModel):
    """A page, newest first."""

    errors: list[Error]
    before: str | None
    """Ask with it for older ones; null on the last page."""


class Partition(BaseModel):
    """One partition of the log."""

    partition: int
    log_id: str | None
    """Name of the log in Redis; null: it has none yet."""
    events_in_redis: int
    newest: str | None
    """Stream id of the newest event; null where there is none."""
    projected: str | None
    """Stream id of the last event in the read models; null: never begun."""
    behind_seconds: float | None
    """Between the two; null where one is not known."""
    era: int | None
    is_its_log: bool
    """The read models are of this very log."""
    parked: int
    """Events that wait for a replay."""
    dead_letters: int


class Partitions(BaseModel):
    """All partitions."""

    partitions: list[Partition]


class Paused(BaseModel):
    """That an operator has paused it."""

    since: str
    by: str
    reason: str | None


class Queue(BaseModel):
    """What waits in one queue, by priority."""

    queue: str
    high: int
    normal: int
    low: int
    backlog: int
    """Tasks that are ready and not started, wherever they wait: aside and behind their owner's
    share as well."""
    oldest_seconds: float | None
    """How long the next task has been ready; null where none waits."""
    paused: Paused | None
    """Null while it is not: `GET /api/submit/admin/pauses` has types too."""


class Queues(BaseModel):
    """Queues in which anything waits, and those that are paused."""

    queues: list[Queue]


class RunningNow(BaseModel):
    """A task that a worker runs."""

    owner: str
    id: str
    type: str
    attempt: int
    since: str


class Worker(BaseModel):
    """A worker process incarnation: host, pid, random digits."""

    worker: str
    partitions: list[int]
    """Where it has a lease: where it holds tasks, or did."""
    vanished_at: str | None
    """When it was last heard of, if it has been still for a lease; else null."""
    build: str | None
    """Of its code; null where it did not say within an hour."""
    runs: list[RunningNow]
    """What it runs, at most a hundred tasks of each queue and partition; the longest first."""


class Workers(BaseModel):
    """Workers with a lease."""

    workers: list[Worker]


class EndRate(BaseModel):
    """How attempts of a type in a queue ended: 60 numbers each, one a minute, oldest first."""

    type: str
    queue: str
    succeeded: list[int]
    failed: list[int]
    """For good."""
    retrying: list[int]
    """Attempts that failed and are tried again."""
    cancelled: list[int]


class Rates(BaseModel):
    """What ended lately, by type and queue."""

    since: str
    """Nothing that ended before is counted."""
    bucket_seconds: int
    """Of each number: 60."""
    rates: list[EndRate]


class DeadLetter(BaseModel):
    """What nobody could read."""

    id: str
    stream: str
    """`log`, or the key of a queue."""
    entry: str
    reason: str
    age_seconds: float
    task: str | None
    """Id of the task it names; null for none."""
    owner_hash: str | None
    """Hash of that task's owner, as in Redis' keys."""


class DeadLetters(BaseModel):
    """All dead letters."""

    dead_letters: list[DeadLetter]


class ParkedEvent(BaseModel):
    """An event that waits for code that knows it."""

    partition: int
    event: str
    """Stream id."""
    owner: str
    task: str
    reason: str


class Parked(BaseModel):
    """Parked events, oldest first."""

    parked: list[ParkedEvent]
