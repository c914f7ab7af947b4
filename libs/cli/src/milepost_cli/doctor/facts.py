"""Owns what is looked at, as it was found. No I/O; judges nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from milepost.cursors import StreamId
from milepost_log.paused import Pause
from milepost_notify.checkpoints import Checkpoint


@dataclass(frozen=True, slots=True)
class LogFacts:
    """One partition in Redis."""

    log_id: str | None
    """Null before it has one."""
    partitions: int | None
    """As many as the deployment had when it was made."""
    dead: int
    """Letters."""
    workers: frozenset[str]
    """Incarnations that have a lease here."""
    queued: int
    """Entries that nobody has taken; what waits in owners' lists is not among them."""

    pauses: list[Pause] = field(default_factory=list[Pause])
    """What operators have paused here."""


@dataclass(frozen=True, slots=True)
class BehindFacts:
    """What the log has at and behind a checkpoint."""

    continues: bool
    """Whether it has the checkpoint's own entry, or begins there: nothing is lost between."""
    first: StreamId | None
    """The oldest entry that is there."""
    oldest_seconds: float | None
    """How long the next entry has been in the log; null when there is none."""


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """Everything in Redis but the servers' own state."""

    clock_ahead_seconds: float
    """Redis' clock against ours; negative when it is behind."""
    logs: Mapping[int, LogFacts]
    offers: Mapping[str, float]
    """Task type -> seconds since a live worker last offered it."""
    announced: frozenset[str]
    """Task types that people can ask for."""


@dataclass(frozen=True, slots=True)
class SqlFacts:
    """Everything in the database."""

    misfits: list[str] = field(default_factory=list[str])
    """Why this code must not run on a schema, with the remedy."""
    checkpoints: Mapping[int, Checkpoint] = field(default_factory=dict[int, Checkpoint])
    parked: Mapping[str, int] = field(default_factory=dict[str, int])
    """Reason -> events."""
    queued: Mapping[str, int] | None = None
    """Task type -> tasks that are ready and that no worker runs, as of the checkpoints; null when
    nobody can say."""
