"""Owns what operators may ask of all owners' tasks: the port, and how pages of partitions are
joined. Pure.

Everybody's tasks are in no one order: each partition has its own. A page looks at so many events of
each, newest first, and shows what is certainly newer than all it has not looked at.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

from milepost.errors import InvalidCursor
from milepost.task_state import Status
from milepost_notify.archive import HistoryRow, ParkedRow
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.ends import Ended
from milepost_notify.rows import TaskRow

Row = TypeVar("Row")
_SPOT = re.compile(r"[0-9a-f]{32}\.[0-9]{1,4}")


class Spot(NamedTuple):
    """A place in the order of all partitions: by time, then by partition."""

    position: str
    partition: int

    def __str__(self) -> str:
        return f"{self.position}.{self.partition}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote.

        Raises:
            InvalidCursor: it never did.
        """
        if not _SPOT.fullmatch(text):
            raise InvalidCursor("not a place in the tasks of all owners")
        position, _, partition = text.partition(".")
        return cls(position, int(partition))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tasks; null: whatever it is."""

    status: Status | None = None
    type: str | None = None
    tag: str | None = None
    queue: str | None = None
    owner: str | None = None
    error: str | None = None
    """Its code."""
    created_from: str | None = None
    """Position of the oldest."""
    created_until: str | None = None
    """Position behind the newest."""
    build: str | None = None
    """Of the worker that ran it last."""


class Window(NamedTuple, Generic[Row]):
    """What one partition was found to have, newest first."""

    partition: int
    found: Sequence[tuple[str, Row]]
    """Positions and rows."""
    looked_until: str | None
    """The last position looked at; null when there is nothing before it."""


class Listed(NamedTuple, Generic[Row]):
    """A page, newest first."""

    rows: list[Row]
    before: Spot | None
    """Ask with it for what is older; null when there is nothing. An empty page may have it."""


class Overseen(NamedTuple):
    """A task of somebody's."""

    row: TaskRow
    at: Checkpoint
    """Of its partition, as of the same moment."""


class Failure(NamedTuple):
    """An attempt that failed, with the task as it is now."""

    event: HistoryRow
    task: TaskRow | None
    """Null once it is removed."""


class Oversight(Protocol):
    """The read models of all owners. Every call raises StoreUnavailable."""

    async def checkpoints(self) -> list[Checkpoint]:
        """How far each partition is that has been begun."""
        ...

    async def tasks(self, wanted: Wanted, *, before: Spot | None, limit: int) -> Listed[Overseen]:
        """Tasks, by their creation."""
        ...

    async def failures(
        self, reference: str | None, *, before: Spot | None, limit: int
    ) -> Listed[Failure]:
        """Failed attempts; with `reference` the one that has it."""
        ...

    async def parked(self, *, limit: int) -> list[ParkedRow]:
        """Events that wait for a replay, oldest first."""
        ...

    async def ends(self, since_ms: int) -> Ended:
        """What ended since then, or since as far back as could be looked."""
        ...

    async def parked_counts(self) -> dict[int, int]:
        """How many events wait in each partition that has any."""
        ...


def join(windows: Sequence[Window[Row]], limit: int) -> Listed[Row]:
    """The newest of all partitions, as far as it is certain that all newer ones were looked at."""
    left = [Spot(each.looked_until, each.partition) for each in windows if each.looked_until]
    frontier = max(left, default=None)
    found = [
        (Spot(position, window.partition), row)
        for window in windows
        for position, row in window.found
    ]
    certain = [each for each in found if frontier is None or each[0] >= frontier]
    certain.sort(key=lambda each: each[0], reverse=True)
    rows = [row for _, row in certain[:limit]]
    if len(certain) > limit:
        return Listed(rows, certain[limit - 1][0])
    return Listed(rows, frontier)
