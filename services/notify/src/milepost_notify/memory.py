"""Owns the read models in memory: the plainest form of the ports, for tests. Folds nothing."""

from collections.abc import Callable, Collection, Sequence
from copy import deepcopy
from dataclasses import replace

from milepost.cursors import ZERO, StreamId
from milepost.events import OF_NO_TASK
from milepost_notify.archive import HistoryRow
from milepost_notify.changes import Changes, Gone, Known
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.memory_reads import MemoryRows, MemorySnapshot
from milepost_notify.refolding import refold
from milepost_notify.replaying import Replayed, created, needed, replay, taken_out
from milepost_notify.retention import ENDS, End, Ends
from milepost_notify.rows import TASK_PROGRESS, TaskKey, is_unread
from milepost_notify.store import Answer, CheckpointMoved, Snapshot
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

    async def ends(self, at: Checkpoint, until: StreamId) -> Ends | None:
        """See `store.ProjectionStore`."""
        found = sorted(
            (row["position"], row["owner"], row["task_id"])
            for row in self._rows.history.values()
            if row["partition"] == at.partition
            and row["type"] in ENDS
            and at.retained.sortable < row["position"] <= until.sortable
        )
        return Ends.of([End(owner, task, position) for position, owner, task in found], until)

    async def apply(self, before: Checkpoint, position: StreamId, changes: Changes) -> Checkpoint:
        """See `store.ProjectionStore`."""
        stored = self._rows.checkpoints.get(before.partition)
        if stored != before:
            raise CheckpointMoved(f"partition {before.partition} is not at {before.position}")
        after = replace(before, position=position, retained=changes.retained or before.retained)
        self._write(before.partition, changes)
        if changes.retained is not None:
            self._forget(before, changes.retained, changes.gone)
        self._rows.checkpoints[before.partition] = after
        return after

    async def replay(self, partition: int) -> Replayed:
        """See `store.ReplayStore`."""
        rows = self._rows
        waiting = [row for row in rows.parked.values() if row["partition"] == partition]
        at = rows.checkpoints.get(partition)
        if at is None or not waiting:
            return Replayed(partition, 0, 0)
        entries = taken_out(waiting)
        known = await self.known(at, *needed(entries))
        for key, begin in created(entries).items():
            known.children[key] = sum(
                (row["owner"], row["parent"]) == key and row["created_position"] > begin
                for row in rows.tasks.values()
            )
        changes = replay(known, entries)
        for row in waiting:
            del rows.parked[partition, row["position"]]
        self._write(partition, changes)
        projected = len(entries) - len(changes.parked)
        if projected:
            rows.checkpoints[partition] = replace(at, era=at.era + 1, retained=ZERO)
        return Replayed(partition, projected, len(changes.parked))

    def _write(self, partition: int, changes: Changes) -> None:
        rows, told = self._rows, deepcopy(changes)
        rows.tasks |= told.tasks
        rows.inboxes |= told.inboxes
        rows.notifications |= told.notifications
        rows.history |= {(row["partition"], row["position"]): row for row in told.history}
        rows.parked |= {(row["partition"], row["position"]): row for row in told.parked}
        gone = told.thinned.union(*(surplus(self._numbered(key)) for key in told.crowded))
        for each in gone:
            rows.history.pop((partition, each), None)

    async def newest(self, partition: int, until: str, limit: int) -> list[HistoryRow]:
        """See `store.ProjectionStore`."""
        positions = [at for number, at in self._rows.history if number == partition and at <= until]
        return [self._rows.history[partition, at] for at in sorted(positions, reverse=True)[:limit]]

    async def take_back(self, before: Checkpoint, position: StreamId) -> Checkpoint:
        """See `store.ProjectionStore`."""
        rows = self._rows
        if rows.checkpoints.get(before.partition) != before:
            raise CheckpointMoved(f"partition {before.partition} is not at {before.position}")
        owners = set[str]()
        for table in (rows.history, rows.parked):
            lost = [key for key in table if key > (before.partition, position.sortable)]
            lost = [key for key in lost if key[0] == before.partition]
            owners |= {table.pop(key)["owner"] for key in lost}
        rows.tasks = {key: row for key, row in rows.tasks.items() if key[0] not in owners}
        rows.inboxes = {key: row for key, row in rows.inboxes.items() if key not in owners}
        rows.notifications = {
            key: row for key, row in rows.notifications.items() if key[0] not in owners
        }
        left = [row for _, row in sorted(rows.history.items()) if row["owner"] in owners]
        changes = deepcopy(refold(Known(), left))
        rows.tasks |= changes.tasks
        rows.inboxes |= changes.inboxes
        rows.notifications |= changes.notifications
        retained = min(before.retained, position)
        after = replace(before, era=before.era + 1, position=position, retained=retained)
        rows.checkpoints[before.partition] = after
        return after

    def _forget(self, before: Checkpoint, until: StreamId, gone: Sequence[Gone]) -> None:
        rows, below = self._rows, {each[:2]: each.below for each in gone}
        for key in (key for key, position in below.items() if position is None):
            rows.tasks.pop(key, None)
            rows.notifications.pop((key[0], TASK_PROGRESS, key[1]), None)

        def stays(row: HistoryRow) -> bool:
            if row["type"] in {each.type for each in OF_NO_TASK}:
                return row["position"] > until.sortable
            key = (row["owner"], row["task_id"])
            least = below.get(key, "")
            return least is not None and row["position"] >= least

        rows.history = {
            place: row
            for place, row in rows.history.items()
            if row["partition"] != before.partition or stays(row)
        }

    def _numbered(self, key: TaskKey) -> list[Numbered]:
        return sorted(
            Numbered(row["position"], row["n"], row["attempt"])
            for row in self._rows.history.values()
            if (row["owner"], row["task_id"]) == key and row["n"] is not None
        )

    async def read(self, work: Callable[[Snapshot], Answer]) -> Answer:
        """See `store.ReadStore`."""
        return work(MemorySnapshot(deepcopy(self._rows)))
