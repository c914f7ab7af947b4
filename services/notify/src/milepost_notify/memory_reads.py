"""Owns reading the read models in memory: the rows of one moment. Changes none."""

from dataclasses import dataclass, field

from pydantic_core import from_json

from milepost.task_state import ENDED
from milepost_notify.archive import HistoryRow, ParkedRow
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.rows import InboxRow, NotificationRow, TaskKey, TaskRow
from milepost_notify.store import Filters, Notified, Place, Told, Which


@dataclass(slots=True)
class MemoryRows:
    """All tables."""

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


class MemorySnapshot:
    """The rows of one moment. `store.Snapshot` describes the methods."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    def checkpoint(self, partition: int) -> Checkpoint | None:
        """See `store.Snapshot`."""
        return self._rows.checkpoints.get(partition)

    def notifications(
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

    def tasks(
        self, owner: str, filters: Filters, which: Which, *, before: str | None, limit: int
    ) -> list[Told]:
        """See `store.Snapshot`."""
        found = [
            row
            for row in self._rows.tasks.values()
            if row["owner"] == owner
            and _passes(row, filters)
            and (before is None or row["created_position"] < before)
            and _is(row, which)
        ]
        found.sort(key=lambda row: row["created_position"], reverse=True)
        return [self._told(row) for row in found[:limit]]

    def task(self, owner: str, task_id: str) -> Told | None:
        """See `store.Snapshot`."""
        row = self._rows.tasks.get((owner, task_id))
        return None if row is None else self._told(row)

    def events(
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

    def task_count(self, owner: str, filters: Filters, *, before: str) -> int:
        """See `store.Snapshot`."""
        return sum(
            row["owner"] == owner and _passes(row, filters) and row["created_position"] < before
            for row in self._rows.tasks.values()
        )

    def inbox(self, owner: str) -> InboxRow | None:
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


def _is(row: TaskRow, which: Which) -> bool:
    if which in ("all", "dismissed"):
        return which == "all" or row["dismissed"]
    return not row["dismissed"] and (row["status"] in ENDED) == (which == "ended")
