"""Owns what a log in memory keeps of one task. What comes of a command, `task_state` decides."""

from dataclasses import dataclass, field, replace
from typing import Literal

from milepost import events as e
from milepost import task_state as ts
from milepost.errors import Refused
from milepost.events import Payload
from milepost.keys import PRIORITIES
from milepost.testing.journal import Journal

Lane = Literal["express", "queue", "claimed"]
Answer = Literal[0, 1, 2]
"""1: told, 2: told, and the owner asks to stop, 0: the attempt is over."""


@dataclass(frozen=True, slots=True)
class Started:
    """A task whose attempt has begun on a worker."""

    id: str
    owner: str
    attempt: int
    worker: str
    created: e.TaskCreated
    saved: bytes
    """What an earlier attempt saved; empty for nothing."""
    failures: int
    """Attempts that failed before this one."""


@dataclass(slots=True)
class KeptTask:
    """The write side's view of one task."""

    id: str
    owner: str
    created: e.TaskCreated
    journal: Journal
    state: ts.TaskState | None = None
    place: int = 0
    """Its place in its lane, the smallest first."""
    lane: Lane | None = None
    """Where it is queued or was started from; null where it waits otherwise, or has ended."""
    slot: str | None = None
    """The type whose limit on its owner's running tasks its last attempt was counted against."""
    due_ms: int = 0
    """When it is ready, on the journal's clock; means something only while it waits."""
    saved: bytes = b""
    lines: int = 0
    """Lines its attempts wrote, kept or not."""
    heard: dict[str, int] = field(default_factory=dict[str, int])
    """The last sequence of each kind of news within this attempt."""

    @property
    def status(self) -> ts.Status | None:
        """Null before it is created."""
        return self.state.status if self.state else None

    @property
    def attempt(self) -> int:
        """0 before the first start."""
        return self.state.attempt if self.state else 0

    @property
    def order(self) -> tuple[bool, int, bool, int]:
        """Sorts what a worker holds as the scripts go through it: all that was claimed from aside
        stands in one lane."""
        if self.lane == "claimed":
            return False, 0, False, self.place
        priority = PRIORITIES.index(self.created.priority)
        return True, priority, self.lane != "express", self.place

    @property
    def is_due(self) -> bool:
        """Whether it waits for a time that has come."""
        waits = self.status in ("scheduled", "retrying")
        return waits and self.due_ms <= self.journal.clock.now_ms

    def do(self, command: ts.Command) -> list[Payload] | None:
        """Append what a command causes, nothing for a repeated one; null when it is refused."""
        try:
            payloads = ts.decide(self.state, command)
        except Refused:
            return None
        for payload in payloads:
            self.state = ts.evolve(self.state, payload)
            self.tell(payload)
        return payloads

    def tell(self, payload: Payload) -> None:
        """Append an event of the attempt."""
        self.journal.append(self.owner, self.id, self.attempt, payload)

    def promote(self) -> None:
        """Queue it, its time having come."""
        assert self.state is not None
        self.state = replace(self.state, status="queued", worker=None)

    def start(self, worker: str) -> Started:
        """Begin an attempt."""
        self.do(ts.StartTask(worker))
        assert self.state is not None
        self.heard = {}
        return Started(
            self.id, self.owner, self.state.attempt, worker, self.created, self.saved,
            self.state.failures,
        )  # fmt: skip

    def hear(self, kind: str, sequence: int, task: Started) -> tuple[Answer, bool]:
        """What to answer to news of an attempt, and whether they are new."""
        state = self.state
        if state is None or state.status != "running":
            return 0, False
        if state.attempt != task.attempt or state.worker != task.worker:
            return 0, False
        fresh = sequence > self.heard.get(kind, 0)
        if fresh:
            self.heard[kind] = sequence
        return 2 if state.cancel_requested else 1, fresh
