"""Owns the shape of the read models' rows: plain dicts, as they are folded and as they are stored.

No I/O. Times are milliseconds since the epoch by Redis' clock; positions are `StreamId.sortable`,
so that they compare as text. Everything that is large and never changes (`params`, results over
4 KiB) stays in the history alone.
"""

from typing import TypedDict

from milepost.keys import Priority
from milepost.task_state import ENDED, Status

START = "0" * 32
"""The position before every event."""

TASK_PROGRESS = "task_progress"
UNREAD_MESSAGE_COUNT = "unread_message_count"

TaskKey = tuple[str, str]
"""(owner, id): two owners may have sent the same id."""


class TaskRow(TypedDict):
    """A task as far as its events tell; what depends on the clock is computed when read."""

    owner: str
    id: str
    position: str
    """The last event that changed this row."""
    created_position: str
    """The event with its params; orders a list of tasks."""
    ended_position: str | None
    """The event with its result; null while it lives."""
    type: str
    title: str
    tags: str
    """JSON array of strings."""
    queue: str
    priority: Priority
    status: Status
    progress: float
    """Percent: within an attempt it never falls; at most 99.9 until success, which is 100."""
    indeterminate: bool
    """Running, and unable to say how much there is to do."""
    message: str | None
    step: str | None
    done: float | None
    total: float | None
    attempt: int
    """0 before the first start."""
    failures: int
    """Attempts that failed; counts against max_attempts."""
    crashes: int
    """Times its worker vanished."""
    progress_count: int
    """Progress events so far: the number of the last one, for thinning."""
    progress_from: int | None
    """Number of this attempt's first progress event; null before it."""
    progress_position: str | None
    """This attempt's last progress event; null before the first."""
    children_count: int
    """Tasks that this one submitted."""
    worker: str | None
    """Worker process incarnation that runs it; null when not running."""
    build: str | None
    """Of the worker that ran it last; null before the first start, or where it did not say."""
    error: str | None
    """JSON of `Problem`, of the last failure; null again from the next start on."""
    result: str | None
    """JSON, where it is at most 4 KiB; null otherwise and before success."""
    result_omitted: bool
    """The result is larger than that: it is in the history at `ended_position`."""
    dismissed: bool
    read: bool
    retry_of: str | None
    parent: str | None
    quiet_after_seconds: float
    created_at: int
    runs_at: int | None
    """Not before this time, as last told; null when it could run at once."""
    started_at: int | None
    """First start."""
    attempt_started_at: int | None
    """Start of the last attempt."""
    progress_at: int | None
    """When it last told anything; a start counts."""
    ended_at: int | None
    cancel_requested_at: int | None
    rate_from: float | None
    """Percent from which the rate is measured: 0 at the first start, what a later attempt tells
    first (it may resume in the middle); then a milestone (see `rates`); null until then."""
    rate_from_at: int | None
    """When it was there."""
    rate_next: float | None
    """Percent at the last milestone, from which the rate is measured from the next one on; null
    before the attempt's first."""
    rate_next_at: int | None


class InboxRow(TypedDict):
    """What an owner has not seen yet."""

    owner: str
    unread: int
    """Ended tasks neither read nor dismissed."""
    read_until: str
    """Everything that ended up to this position has been read."""
    position: str
    """The last event that changed this row."""


class NotificationRow(TypedDict):
    """The newest of one name about one task, or an owner's all; `data` is made when read."""

    owner: str
    name: str
    task_id: str
    """Empty where it is about no single task."""
    position: str
    ordinal: int
    """Place among the rows that its event changed, from 1."""
    timestamp_ms: int
    number: int | None
    """The data of an unread_message_count; null for others."""


def is_unread(row: TaskRow) -> bool:
    """Whether the task counts in unread_message_count."""
    return row["status"] in ENDED and not row["read"] and not row["dismissed"]
