"""Owns what passes between a worker and the log: attempts, what they tell, what is taken. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from milepost.task_state import MAX_CRASHES


@dataclass(frozen=True, slots=True)
class StartedTask:
    """A task whose attempt has begun on this worker."""

    partition: int
    owner_hash: str
    id: str
    owner: str
    attempt: int
    entry: str
    """Its queue entry, under a name that no other entry of the partition has."""
    queue_key: str
    """`queue:priority letter`."""
    created: bytes
    """JSON of the TaskCreated event."""
    saved: bytes
    """What the task saved in an earlier attempt; empty for nothing."""
    trace: str
    """W3C traceparent; empty for none."""
    failures: int = 0
    """Attempts that failed before this one."""
    crashes: int = 0
    """Workers that vanished with it."""

    @property
    def is_express(self) -> bool:
        """Whether it came by its queue's express lane: its owner has little in that queue."""
        return self.entry.rpartition("/")[2].startswith("x")

    @property
    def is_suspect(self) -> bool:
        """Whether it may be what its workers vanished of: then nothing else runs beside it."""
        return self.crashes >= MAX_CRASHES - 1


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a worker takes, but for the number, and what it remembers of a partition's answers."""

    rooms: Mapping[str, int] = field(default_factory=dict[str, int])
    """Task type -> how many of it; other types: any number."""
    alone: bool = True
    """Whether it holds no task anywhere: then it may take a suspect, with nothing beside it."""
    turn: int = 0
    """The last answer's `turn`."""
    drains: bool = False
    """The last answer's `drains`."""


ANYTHING = Bounds()
"""For a worker that holds nothing and has had no answer yet."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to `take`."""

    tasks: list[StartedTask]
    beats: dict[str, int]
    """Every worker's beat counter in this partition."""
    next_due_ms: int | None
    """Milliseconds until there is more to take: 0 now, null when nothing is known of."""
    unclaimed: list[str]
    """Types of tasks that wait aside for a worker which knows them, and this one does not."""
    full: list[str]
    """Types of tasks that wait aside since this worker has no room for more of them."""
    turn: int
    """Whose turn it is next, to be told to the next `take`."""
    drains: bool
    """Whether this worker shall take nothing more until it is alone, since a suspect waits."""
    stood: list[bool]
    """Per outcome that was sent along, what `finish` answers."""


@dataclass(frozen=True, slots=True)
class Report:
    """Progress of one running attempt."""

    task: StartedTask
    sequence: int
    percent: str
    """0..99.9 as decimal text."""
    rest: str
    """The rest of the event's JSON behind the percent: `,"message":"x"}` or `}`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one attempt."""

    task: StartedTask
    kind: Literal["succeeded", "failed", "cancelled", "retrying"]
    data: str
    """JSON of the event; without `runs_at`, which the log sets from `delay_ms` by its own clock."""
    delay_ms: int | None = None
    """Milliseconds until the next attempt; null for an end."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What an attempt wants to go on from."""

    task: StartedTask
    sequence: int
    state: bytes
    """JSON."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line an attempt wrote for its owner."""

    task: StartedTask
    sequence: int
    data: str
    """JSON of the event."""
