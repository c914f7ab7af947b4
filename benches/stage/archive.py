"""Owns read models filled in bulk, as the projector would have filled them in hours: SQLite alone.

One task is folded by the product's own fold; its rows, with other names and places, are all tasks,
one a millisecond. A third is of one owner who keeps all he has, a third of one who has closed
all, and the rest of many. Everybody has read everything.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benches.stage.events import CREATED, STARTED, SUCCEEDED
from milepost.cursors import StreamId
from milepost.ids import uuid7
from milepost_notify.archive import Logged, take_in
from milepost_notify.changes import Known
from milepost_notify.folding import fold

KEEPS, CLOSES, MANY = "keeps all", "has closed all", 10_000
LOG_ID = "ab" * 16
BULK = "PRAGMA synchronous=OFF; PRAGMA cache_size=-400000; PRAGMA temp_store=MEMORY; BEGIN;"
# Of the task with number i. Its last 48 bits tell ids apart.
OWNER = f"CASE i % 3 WHEN 0 THEN 'user ' || (i % {MANY}) WHEN 1 THEN '{KEEPS}' ELSE '{CLOSES}' END"
TASK_ID = "printf('%08x-%04x-7000-8000-%012x', (:ms + i) >> 16, (:ms + i) & 65535, i)"
POSITION = "printf('%016x%016x', :ms + i, {})"

Row = Mapping[str, Any]


def spread(number: int) -> str:
    """One of the many."""
    return f"user {number % MANY}"


@dataclass(frozen=True, slots=True)
class Archive:
    """What was filled in."""

    tasks: int
    last: StreamId
    """Position of the last event."""


def fill(database: Path, rows: int, first_ms: int) -> Archive:
    """Fill an empty, migrated database with so many rows of history, from `first_ms` on."""
    filling = _Filling(database, rows * 3 // 10, first_ms)  # three tasks have ten events
    for closes, whose in ((False, "i % 3 != 2"), (True, "i % 3 = 2")):
        history, task, shown = _folded(closes=closes)
        for number, event in enumerate(history):
            filling.copy("notify_history", event, number, whose)
        for table, row in (("notify_task", task), ("notify_notification", shown)):
            filling.copy(table, row, len(history) - 1, whose)
    return filling.end()


class _Filling:
    """One transaction."""

    def __init__(self, database: Path, tasks: int, first_ms: int) -> None:
        self._tasks, self._first_ms = tasks, first_ms
        self._connection = sqlite3.connect(database, isolation_level=None)
        self._connection.executescript(BULK)

    def copy(self, table: str, row: Row, number: int, whose: str) -> None:
        """Copy a row to all tasks of some owners; it is of the event with this number in a task."""
        own = {"owner": OWNER, "id": TASK_ID, "task_id": TASK_ID}
        own |= {"position": POSITION.format(number), "created_position": POSITION.format(0)}
        own |= {"ended_position": POSITION.format(2)}
        times = [name for name in row if name.endswith(("_at", "_ms")) and row[name] is not None]
        own |= dict.fromkeys(times, ":ms + i")
        self._connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :tasks) "
            f"INSERT INTO {table} ({', '.join(row)}) "
            f"SELECT {', '.join(own.get(name, f':{name}') for name in row)} FROM n WHERE {whose}",
            {**row, "ms": self._first_ms, "tasks": self._tasks},
        )

    def end(self) -> Archive:
        """Inboxes and the checkpoint; commit."""
        last = StreamId(self._first_ms + self._tasks - 1, 3)
        self._connection.execute(
            "INSERT INTO notify_inbox (generation, owner, unread, read_until, position) "
            "SELECT DISTINCT 0, owner, 0, :at, :at FROM notify_task",
            {"at": last.sortable},
        )
        self._connection.execute(
            "INSERT INTO notify_checkpoint "
            "(partition, log_id, era, position, retained, generation) VALUES (0, ?, 0, ?, ?, 0)",
            (LOG_ID, last.sortable, "0" * 32),
        )
        self._connection.execute("COMMIT")
        self._connection.close()
        return Archive(self._tasks, last)


def _folded(*, closes: bool) -> tuple[list[Row], Row, Row]:
    """Rows of one task: its history, itself, its notification."""
    events = [("created", 0, CREATED), ("started", 1, STARTED), ("succeeded", 1, SUCCEEDED)]
    entries = list[Logged]()
    for number, (kind, attempt, data) in enumerate([*events, *[("dismissed", 1, "{}")] * closes]):
        fields = {"t": kind, "k": uuid7(1, bytes(10)), "o": "o", "a": str(attempt), "d": data}
        told = {name.encode(): value.encode() for name, value in fields.items()}
        entry = take_in(0, f"1-{number}".encode(), told)
        assert isinstance(entry, Logged)
        entries.append(entry)
    changes = fold(Known(), entries)
    (task,) = changes.tasks.values()
    (shown,) = (row for row in changes.notifications.values() if row["task_id"])
    served = {"generation": 0}
    return (
        [{**row} for row in changes.history],
        {**task, **served, "read": True},
        {**shown, **served},
    )
