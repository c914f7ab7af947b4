"""Owns the read models in memory: the plainest form of the ports, for tests. Folds nothing."""

from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace

from milepost.cursors import StreamId
from milepost_notify.changes import Changes, Known
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.memory_reads import MemoryRows, MemorySnapshot
from milepost_notify.rows import TaskKey, is_unread
from milepost_notify.store import CheckpointMoved
from milepost_notify.thinning import Numbered, surplus


class MemoryStore:
    """Both ports over one set of rows. `store` describes the methods."""

    def __init__(self) -> None:
        self._rows = MemoryRows()

    async def checkpoint(self, partition: int) -> Checkpoint | None:
        """See `store.ProjectionStore`."""
        return self._rows.checkpoints.get(partition)

    async def begin(self, partition: int, log_id: str) -> Checkpoint:
        """See `store.ProjectionStore`."""
        return self._rows.checkpoints.setdefault(partition, Checkpoint.first(partition, log_id))

    async def parked(self, partition: int) -> set[TaskKey]:
        """See `store.ProjectionStore`."""
        rows = self._rows.parked.values()
        return {(row["owner"], row["task_id"]) for row in rows if row["partition"] == partition}

    async def known(
        self,
        at: Checkpoint,
        tasks: Collection[TaskKey],
        inboxes: Collection[str],
        unread_of: Collection[str],
    ) -> Known:
        """See `store.ProjectionStore`."""
        rows = self._rows
        found = {
            key: row
            for key, row in rows.tasks.items()
            if key in tasks or (row["owner"] in unread_of and is_unread(row))
        }
        return deepcopy(
            Known(found, {owner: rows.inboxes[owner] for owner in inboxes if owner in rows.inboxes})
        )

    async def apply(self, before: Checkpoint, position: StreamId, changes: Changes) -> Checkpoint:
        """See `store.ProjectionStore`."""
        stored = self._rows.checkpoints.get(before.partition)
        if stored != before:
            raise CheckpointMoved(f"partition {before.partition} is not at {before.position}")
        after = replace(before, position=position)
        rows, told = self._rows, deepcopy(changes)
        rows.tasks |= told.tasks
        rows.inboxes |= told.inboxes
        rows.notifications |= told.notifications
        rows.history |= {(row["partition"], row["position"]): row for row in told.history}
        rows.parked |= {(row["partition"], row["position"]): row for row in told.parked}
        gone = told.thinned.union(*(surplus(self._numbered(key)) for key in told.crowded))
        for each in gone:
            rows.history.pop((before.partition, each), None)
        rows.checkpoints[before.partition] = after
        return after

    def _numbered(self, key: TaskKey) -> list[Numbered]:
        return sorted(
            Numbered(row["position"], row["n"], row["attempt"])
            for row in self._rows.history.values()
            if (row["owner"], row["task_id"]) == key and row["n"] is not None
        )

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator["MemorySnapshot"]:
        """See `store.ReadStore`."""
        yield MemorySnapshot(deepcopy(self._rows))
