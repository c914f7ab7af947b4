"""Owns where tasks stand, in memory: the plainest form of the port, for tests. Asks nobody."""

from collections.abc import Sequence

from milepost_notify.rows import TaskKey, TaskRow
from milepost_notify.standing import UNKNOWN, Standing


class MemoryStandings:
    """`standing.Standings` as it is told."""

    def __init__(self) -> None:
        self.told: dict[TaskKey, Standing] = {}

    async def of(self, row: TaskRow) -> Standing:
        """See `standing.Standings`."""
        return self.told.get((row["owner"], row["id"]), UNKNOWN)

    def vanished_at(self, worker: str, partitions: Sequence[int]) -> int | None:
        """See `standing.Standings`."""
        return None

    def is_lost(self, row: TaskRow) -> bool:
        """See `standing.Standings`."""
        return row["status"] == "running" and self.told.get((row["owner"], row["id"]), UNKNOWN).lost
