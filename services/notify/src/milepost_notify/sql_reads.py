"""Owns the API's side of the SQL database: reading in one snapshot. Writes nothing."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Table
from sqlalchemy.ext.asyncio import AsyncConnection

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
from milepost_notify.store import Filters, Notified, Place, Told, Which
from milepost_service.database import Database


class SqlReadStore:
    """The read models in SQLite or PostgreSQL, as the API reads them."""

    def __init__(self, database: Database, partitions: int) -> None:
        self._database, self._partitions = database, partitions

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator["SqlSnapshot"]:
        """Read several things as of one moment.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        with translated():
            async with self._database.read() as connection:
                yield SqlSnapshot(connection, self._partitions)


class SqlSnapshot:
    """One reading transaction; `store.Snapshot` describes the methods."""

    def __init__(self, connection: AsyncConnection, partitions: int) -> None:
        self._connection = connection
        self._partitions = partitions
        self._dialect = connection.dialect.name

    async def checkpoint(self, partition: int) -> Checkpoint | None:
        """See `store.Snapshot`."""
        return as_checkpoint(await self._one(checkpoint_query(partition)))

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
        query = queries.notifications(
            self._served(owner), owner, filters, self._dialect,
            after=after, skip_dismissed_until=skip_dismissed_until, limit=limit,
        )  # fmt: skip
        found = list[Notified]()
        for values in await self._connection.execute(query):
            row, task = _parts(values, t.notification, t.task)
            assert row is not None
            found.append(Notified(cast(NotificationRow, row), cast(TaskRow | None, task)))
        return found

    async def tasks(
        self, owner: str, filters: Filters, which: Which, *, before: str | None, limit: int
    ) -> list[Told]:
        """See `store.Snapshot`."""
        query = queries.tasks(
            self._served(owner), owner, filters, self._dialect, which, before=before, limit=limit
        )
        return [_as_told(values) for values in await self._connection.execute(query)]

    async def task(self, owner: str, task_id: str) -> Told | None:
        """See `store.Snapshot`."""
        found = await self._one(queries.task(self._served(owner), owner, task_id))
        return None if found is None else _as_told(found)

    async def events(
        self, owner: str, task_id: str, *, start: str, after: str | None, limit: int
    ) -> list[HistoryRow]:
        """See `store.Snapshot`."""
        query = queries.events(owner, task_id, start=start, after=after, limit=limit)
        found = await self._connection.execute(query)
        return [cast(HistoryRow, as_dict(row)) for row in found]

    async def inbox(self, owner: str) -> InboxRow | None:
        """See `store.Snapshot`."""
        found = await self._one(queries.inbox(self._served(owner), owner))
        return None if found is None else cast(InboxRow, as_dict(found))

    def _served(self, owner: str) -> ColumnElement[int]:
        return queries.served(partition_of(owner, self._partitions))

    async def _one(self, query: Select[Any]) -> Any:
        return (await self._connection.execute(query)).one_or_none()


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
