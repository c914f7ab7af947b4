"""Owns the projector's side of the SQL database: one transaction a batch. Folds nothing."""

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from pydantic_core import to_json
from sqlalchemy import Executable, Table, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from milepost.cursors import ZERO, StreamId
from milepost_notify import statements as st
from milepost_notify import tables as t
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.folding import Changes, Known
from milepost_notify.rows import START, InboxRow, TaskKey, TaskRow
from milepost_notify.store import CheckpointMoved, StoreUnavailable
from milepost_service.database import Database


class SqlProjectionStore:
    """The read models in SQLite or PostgreSQL, as projectors write them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = dialect = database.writer.dialect
        self._tasks_by_key = st.tasks_by_key(dialect)
        self._unread_by_owner = st.unread_by_owner(dialect)
        self._inboxes_by_owner = st.inboxes_by_owner(dialect)
        self._append = {table: st.Bulk(table, dialect) for table in (t.history, t.parked)}
        self._upsert: dict[tuple[Table, int], st.Bulk] = {}

    async def checkpoint(self, partition: int) -> Checkpoint | None:
        """How far a partition is; null when nobody has begun it."""
        async with translated(), self._database.read() as connection:
            return await read_checkpoint(connection, partition)

    async def begin(self, partition: int, log_id: str) -> Checkpoint:
        """Begin a partition before the first entry of the log, unless it has been begun."""
        async with translated(), self._database.write() as connection:
            found = await read_checkpoint(connection, partition)
            if found is None:
                found = Checkpoint(partition, log_id, 0, ZERO)
                row = {"partition": partition, "log_id": log_id, "era": 0}
                row |= {"position": START, "retained": START}
                await connection.execute(insert(t.checkpoint).values(row))
        return found

    async def parked(self, partition: int) -> set[TaskKey]:
        """Tasks of which events wait for a replay."""
        keys = select(t.parked.c.owner, t.parked.c.task_id).distinct()
        async with translated(), self._database.read() as connection:
            found = await connection.execute(keys.where(t.parked.c.partition == partition))
            return {(row.owner, row.task_id) for row in found}

    async def known(
        self, tasks: Collection[TaskKey], inboxes: Collection[str], unread_of: Collection[str]
    ) -> Known:
        """The rows of these tasks and owners, and every unread ended task of the last."""
        known = Known()
        async with translated(), self._database.read() as connection:
            generation = await read_generation(connection)

            async def rows(query: Executable, keys: Iterable[Any]) -> Iterable[Any]:
                values = {"generation": generation, "keys": to_json(list(keys)).decode()}
                return await connection.execute(query, values)

            if tasks:
                for row in await rows(self._tasks_by_key, tasks):
                    known.tasks[row.owner, row.id] = cast(TaskRow, as_dict(row))
            if unread_of:
                for row in await rows(self._unread_by_owner, ([owner] for owner in unread_of)):
                    known.tasks[row.owner, row.id] = cast(TaskRow, as_dict(row))
            if inboxes:
                for row in await rows(self._inboxes_by_owner, ([owner] for owner in inboxes)):
                    known.inboxes[row.owner] = cast(InboxRow, as_dict(row))
        return known

    async def apply(self, before: Checkpoint, position: StreamId, changes: Changes) -> Checkpoint:
        """Save all changes and the checkpoint in one transaction.

        Its first statement is the conditional update of the checkpoint: of two projectors one finds
        its row changed, and gives up before it has written anything. After StoreUnavailable the
        outcome is unknown: read the checkpoint again.

        Raises:
            CheckpointMoved: the stored checkpoint is not `before`.
            StoreUnavailable: no answer.
        """
        async with translated(), self._database.write() as connection:
            moved = await connection.execute(_advance(before, position))
            if moved.rowcount != 1:
                raise CheckpointMoved(f"partition {before.partition} is not at {before.position}")
            generation = await read_generation(connection)
            for table, rows in (
                (t.task, changes.tasks.values()),
                (t.notification, changes.notifications.values()),
                (t.inbox, changes.inboxes.values()),
            ):
                await _send(connection, self._upserts(table, generation), rows)
            for table, rows in ((t.history, changes.history), (t.parked, changes.parked)):
                await _send(connection, self._append[table], rows)
        return Checkpoint(before.partition, before.log_id, before.era, position, before.retained)

    def _upserts(self, table: Table, generation: int) -> st.Bulk:
        found = self._upsert.get((table, generation))
        if found is None:
            found = st.Bulk(table, self._dialect, generation=generation)
            self._upsert[table, generation] = found
        return found


@asynccontextmanager
async def translated() -> AsyncGenerator[None]:
    """Turn the driver's errors into ours.

    Raises:
        StoreUnavailable: the database is away, locked or full; a commit may have happened.
    """
    try:
        yield
    except (DBAPIError, PoolTimeout, OSError) as err:
        raise StoreUnavailable(f"database: {type(err).__name__}: {err}"[:500]) from err


async def read_checkpoint(connection: AsyncConnection, partition: int) -> Checkpoint | None:
    """How far a partition is, in this transaction."""
    query = select(t.checkpoint).where(t.checkpoint.c.partition == partition)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    position, retained = map(StreamId.from_sortable, (row.position, row.retained))
    return Checkpoint(partition, row.log_id, row.era, position, retained)


async def read_generation(connection: AsyncConnection) -> int:
    """Which set of read models is served, in this transaction."""
    return await connection.scalar(select(t.generation.c.number)) or 0


def as_dict(row: Any) -> dict[str, Any]:
    """A row as it is folded: without the number of its generation."""
    found = dict(row._mapping)
    found.pop("generation", None)
    return found


def _advance(before: Checkpoint, position: StreamId) -> Any:
    column = t.checkpoint.c
    return (
        update(t.checkpoint)
        .where(
            column.partition == before.partition,
            column.log_id == before.log_id,
            column.era == before.era,
            column.position == before.position.sortable,
        )
        .values(position=position.sortable)
    )


async def _send(
    connection: AsyncConnection, bulk: st.Bulk, rows: Iterable[Mapping[str, Any]]
) -> None:
    for sql, parameters in bulk.statements(rows):
        await connection.exec_driver_sql(sql, parameters)
