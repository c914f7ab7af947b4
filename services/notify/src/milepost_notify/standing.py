"""Owns what is known of a task besides its events: its place, its worker; and the port to ask.

Whatever nobody knows is null, and so is everything while Redis is away: the answers still come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from milepost.task_state import ENDED
from milepost_notify.rows import TaskRow

Waits = Literal["", "stream", "own", "limit", "alone", "aside"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One task as the log's live side has it; null for what is not known."""

    status: str | None = None
    attempt: int | None = None
    waits: Waits = ""
    """`stream`: for its turn; `own`: its owner has a whole share in the queue; `limit`: as many of
    its type run as one owner may have; `alone`: it lost two workers, and waits for one that runs
    nothing beside it; `aside`: for a worker that may take it."""
    ahead: int | None = None
    """About how many tasks are before it: others' too, as a number alone."""
    lost: bool = False
    """Its worker has not beaten for a lease, or has none: the task will be taken over."""
    vanished_at: int | None = None
    """When its worker was last heard of, in ms; null where it is not lost or nobody saw."""
    missing: Literal["", "type", "queue"] = ""
    """What of it no live worker offers."""
    missing_since: int | None = None
    """Since when, in ms; null: not within 30 days."""
    paused: Literal["", "queue", "type"] = ""
    """What of it an operator has paused."""
    paused_since: int | None = None
    """Since when, in ms."""
    paused_reason: str | None = None
    """Why, if the operator said so; it is for everybody to read."""
    suspects: bool = False
    """Another task of its queue waits to run alone, or does."""

    def is_of(self, row: TaskRow) -> bool:
        """Whether it is about the same attempt as the row: the one may be ahead of the other."""
        return self.attempt == row["attempt"]


UNKNOWN = Standing()


def queue_position(row: TaskRow, standing: Standing) -> int | None:
    """About how many tasks are before it; null when it is not queued or nobody can say."""
    waits = row["status"] in ("queued", "scheduled", "retrying")
    is_queued = waits and standing.status == "queued" and standing.is_of(row)
    return standing.ahead if is_queued else None


def has_ended(row: TaskRow, standing: Standing) -> bool:
    """Whether it has ended where it ran, while its end is not among its events here: it comes in
    a moment, or was cut off the log."""
    return row["status"] not in ENDED and standing.status in ENDED


def is_lost(row: TaskRow, standing: Standing) -> bool:
    """Whether the worker that runs it is gone."""
    return row["status"] == "running" and standing.lost and standing.is_of(row)


class Standings(Protocol):
    """The log's live side, as far as people are told of it. Nothing is ever raised."""

    async def of(self, row: TaskRow) -> Standing:
        """Where the task stands now."""
        ...

    def vanished_at(self, worker: str, partitions: Sequence[int]) -> int | None:
        """When a worker was last heard of, in ms, if it has been still for a lease in all these
        partitions, as observed; else null."""
        ...

    def is_lost(self, row: TaskRow) -> bool:
        """Whether the task's worker has not beaten for a lease, as observed; asks nobody."""
        ...


def observed(standings: Standings, row: TaskRow) -> Standing:
    """Where a task stands, as far as that is known without asking anybody."""
    return Standing("running", row["attempt"], lost=True) if standings.is_lost(row) else UNKNOWN
