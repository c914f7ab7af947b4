"""Owns the API's side of the SQL database: reading in one snapshot. Writes nothing."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Select, Table, bindparam

from milepost.owners import partition_of
from milepost_notify import sql_queries as queries
from milepost_notify import tables as t
from milepost_notify.archive import HistoryRow
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.rows import InboxRow, NotificationRow, TaskRow
from milepost_notify.sql_rows import (
    as_checkpoint,
    as_dict,
    checkpoint_query,
    translated,
)
from milepost_notify.store import Answer, Filters, Notified, Place, Snapshot, Told, Which
from milepost_service.engines import engine, is_sqlite

_READERS = {"sqlite": 4, "postgresql": 10}
_CHECKPOINT = checkpoint_query(bindparam("partition"))


class SqlReadStore:
    """The read models in SQLite or PostgreSQL, as the API reads them."""

    def __init__(self, database_url: str, partitions: int) -> None:
        """Connects when first used.

        Raises:
            ConfigurationError: not a URL of ours.
        """
        readers = _READERS["sqlite" if is_sqlite(database_url) else "postgresql"]
        self._engine = engine(database_url, "read", t.SCHEMA.name, connections=readers)
        self._threads = ThreadPoolExecutor(readers, "reads")
        self._partitions = partitions

    async def read(self, work: Callable[[Snapshot], Answer]) -> Answer:
        """See `store.ReadStore`. One hop to a thread, whatever `work` asks; who is cancelled does
        not wait for it."""

        return await self.within(lambda one: work(SqlSnapshot(one, self._partitions)))

    async def within(self, work: Callable[[Connection], Answer]) -> Answer:
        """Run `work` in one reading transaction, in a thread.

        Raises:
            StoreUnavailable: the database does not answer.
        """

        def in_transaction() -> Answer:
            with translated(), self._engine.begin() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._threads, in_transaction)

    async def close(self) -> None:
        """Close every connection, behind what still reads."""
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._engine.dispose)


class SqlSnapshot:
    """One reading transaction; `store.Snapshot` describes the methods."""

    def __init__(self, connection: Connection, partitions: int) -> None:
        self._connection = connection
        self._partitions = partitions
        self._dialect = connection.dialect.name

    def checkpoint(self, partition: int) -> Checkpoint | None:
        """See `store.Snapshot`."""
        found = self._connection.execute(_CHECKPOINT, {"partition": partition})
        return as_checkpoint(found.one_or_none())

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
        values = _given(filters, skip_dismissed_until=skip_dismissed_until)
        if after is not None:
            values |= {"after": after.position, "ordinal": after.ordinal}
        query = queries.notifications(self._dialect, frozenset(values))
        found = list[Notified]()
        for told in self._of(owner, query, {**values, "limit": limit}):
            row, task = _parts(told, t.notification, t.task)
            assert row is not None
            found.append(Notified(cast(NotificationRow, row), cast(TaskRow | None, task)))
        return found

    def tasks(
        self, owner: str, filters: Filters, which: Which, *, before: str | None, limit: int
    ) -> list[Told]:
        """See `store.Snapshot`."""
        values = _given(filters, before=before)
        query = queries.tasks(self._dialect, frozenset(values), which)
        return [_as_told(row) for row in self._of(owner, query, {**values, "limit": limit})]

    def task(self, owner: str, task_id: str) -> Told | None:
        """See `store.Snapshot`."""
        found = self._of(owner, queries.task(), {"task_id": task_id}).one_or_none()
        return None if found is None else _as_told(found)

    def events(
        self, owner: str, task_id: str, *, start: str, after: str | None, limit: int
    ) -> list[HistoryRow]:
        """See `store.Snapshot`."""
        values: dict[str, Any] = {"task_id": task_id, "start": start, "limit": limit}
        if after is not None:
            values["after"] = after
        found = self._of(owner, queries.events(frozenset(values)), values)
        return [cast(HistoryRow, as_dict(row)) for row in found]

    def task_count(self, owner: str, filters: Filters, *, before: str) -> int:
        """See `store.Snapshot`."""
        values = _given(filters, before=before)
        return self._of(owner, queries.task_count(self._dialect, frozenset(values)), values).one()[
            0
        ]

    def inbox(self, owner: str) -> InboxRow | None:
        """See `store.Snapshot`."""
        found = self._of(owner, queries.inbox(), {}).one_or_none()
        return None if found is None else cast(InboxRow, as_dict(found))

    def _of(self, owner: str, query: Select[Any], values: dict[str, Any]) -> CursorResult[Any]:
        """The one place that runs a query about somebody: nobody's is asked without an owner."""
        of = {"partition": partition_of(owner, self._partitions), "owner": owner}
        return self._connection.execute(query, {**values, **of})


def _given(filters: Filters, **more: str | None) -> dict[str, Any]:
    tasks = None if filters.tasks is None else sorted(filters.tasks)
    named = {"tag": filters.tag, "type": filters.type, "tasks": tasks, **more}
    return {name: value for name, value in named.items() if value is not None}


def _as_told(values: Sequence[Any]) -> Told:
    row, created, ended = _parts(values, t.task, t.history, t.history)
    assert row is not None
    return Told(
        cast(TaskRow, row), cast(HistoryRow | None, created), cast(HistoryRow | None, ended)
    )


def _parts(values: Sequence[Any], *tables: Table) -> list[dict[str, Any] | None]:
    """Cut a joined row into those of its tables; null where the join found none."""
    parts = list[dict[str, Any] | None]()
    start = 0
    for table in tables:
        names = table.c.keys()
        part = dict(zip(names, values[start : start + len(names)], strict=True))
        start += len(names)
        joined = part["owner"] is not None
        part.pop("generation", None)
        parts.append(part if joined else None)
    return parts
