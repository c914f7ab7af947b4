"""Owns the read models in memory: the plainest form of the ports, for tests. Folds nothing."""

from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace

from pydantic_core import from_json

from milepost.cursors import ZERO, StreamId
from milepost.task_state import ENDED
from milepost_notify.archive import HistoryRow, ParkedRow
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.folding import Changes, Known
from milepost_notify.rows import InboxRow, NotificationRow, TaskKey, TaskRow, is_unread
from milepost_notify.store import CheckpointMoved, Filters, Notified, Place, Told, Which


@dataclass(slots=True)
class _Rows:
    checkpoints: dict[int, Checkpoint] = field(default_factory=dict[int, Checkpoint])
    tasks: dict[TaskKey, TaskRow] = field(default_factory=dict[TaskKey, TaskRow])
    inboxes: dict[str, InboxRow] = field(default_factory=dict[str, InboxRow])
    notifications: dict[tuple[str, str, str], NotificationRow] = field(
        default_factory=dict[tuple[str, str, str], NotificationRow]
    )
    history: dict[tuple[int, str], HistoryRow] = field(
        default_factory=dict[tuple[int, str], HistoryRow]
    )
    parked: dict[tuple[int, str], ParkedRow] = field(
        default_factory=dict[tuple[int, str], ParkedRow]
    )


class MemoryStore:
    """Both ports over one set of rows. `store` describes the methods."""

    def __init__(self) -> None:
        self._rows = _Rows()

    async def checkpoint(self, partition: int) -> Checkpoint | None:
        """See `store.ProjectionStore`."""
        return self._rows.checkpoints.get(partition)

    async def begin(self, partition: int, log_id: str) -> Checkpoint:
        """See `store.ProjectionStore`."""
        fresh = Checkpoint(partition, log_id, 0, ZERO)
        return self._rows.checkpoints.setdefault(partition, fresh)

    async def parked(self, partition: int) -> set[TaskKey]:
        """See `store.ProjectionStore`."""
        rows = self._rows.parked.values()
        return {(row["owner"], row["task_id"]) for row in rows if row["partition"] == partition}

    async def known(
        self, tasks: Collection[TaskKey], inboxes: Collection[str], unread_of: Collection[str]
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
        rows.checkpoints[before.partition] = after
        return after

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator["MemorySnapshot"]:
        """See `store.ReadStore`."""
        yield MemorySnapshot(deepcopy(self._rows))


class MemorySnapshot:
    """The rows of one moment. `store.Snapshot` describes the methods."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    async def checkpoint(self, partition: int) -> Checkpoint | None:
        """See `store.Snapshot`."""
        return self._rows.checkpoints.get(partition)

    async def notifications(
        self,
        owner: str,
        filters: Filters,
        *,
        after: Place | None,
        skip_dismissed_until: str | None,
        limit: int,
    ) -> list[Notified]:
        """See `store.Snapshot`."""
        found = list[Notified]()
        for row in self._rows.notifications.values():
            task = self._rows.tasks.get((row["owner"], row["task_id"]))
            if row["owner"] != owner or (filters.tasks_only and task is None):
                continue
            if task is not None and not _passes(task, filters):
                continue
            if after is not None and (row["position"], row["ordinal"]) <= after:
                continue
            gone = task is not None and task["dismissed"]
            if gone and row["position"] <= (skip_dismissed_until or ""):
                continue
            found.append(Notified(row, task))
        found.sort(key=lambda told: (told.row["position"], told.row["ordinal"]))
        return found[:limit]

    async def tasks(
        self, owner: str, filters: Filters, which: Which, *, before: str | None, limit: int
    ) -> list[Told]:
        """See `store.Snapshot`."""
        found = [
            row
            for row in self._rows.tasks.values()
            if row["owner"] == owner
            and _passes(row, filters)
            and (before is None or row["created_position"] < before)
            and (
                which == "all"
                or (not row["dismissed"] and (row["status"] in ENDED) == (which == "ended"))
            )
        ]
        found.sort(key=lambda row: row["created_position"], reverse=True)
        return [self._told(row) for row in found[:limit]]

    async def task(self, owner: str, task_id: str) -> Told | None:
        """See `store.Snapshot`."""
        row = self._rows.tasks.get((owner, task_id))
        return None if row is None else self._told(row)

    async def events(
        self, owner: str, task_id: str, *, start: str, after: str | None, limit: int
    ) -> list[HistoryRow]:
        """See `store.Snapshot`."""
        found = [
            row
            for row in self._rows.history.values()
            if (row["owner"], row["task_id"]) == (owner, task_id)
            and row["position"] >= start
            and (after is None or row["position"] > after)
        ]
        return sorted(found, key=lambda row: row["position"])[:limit]

    async def inbox(self, owner: str) -> InboxRow | None:
        """See `store.Snapshot`."""
        return self._rows.inboxes.get(owner)

    def _told(self, row: TaskRow) -> Told:
        at = {row["created_position"], row["ended_position"]}
        events = {
            event["position"]: event
            for event in self._rows.history.values()
            if (event["owner"], event["task_id"]) == (row["owner"], row["id"])
            and event["position"] in at
        }
        return Told(
            row, events.get(row["created_position"]), events.get(row["ended_position"] or "")
        )


def _passes(row: TaskRow, filters: Filters) -> bool:
    return (
        (filters.type is None or row["type"] == filters.type)
        and (filters.tasks is None or row["id"] in filters.tasks)
        and (filters.tag is None or filters.tag in from_json(row["tags"]))
    )
