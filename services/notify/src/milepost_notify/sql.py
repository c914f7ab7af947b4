"""Owns the projector's side of the SQL database: one transaction a batch. Folds nothing."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection, and_, select, update

from milepost.cursors import StreamId
from milepost_notify import statements as st
from milepost_notify import tables as t
from milepost_notify.archive import HistoryRow
from milepost_notify.changes import Changes, Known
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.retention import PATIENCE_MS, Ends
from milepost_notify.rows import START, TaskKey
from milepost_notify.sql_folded import FoldedRows, send
from milepost_notify.sql_generations import being_made
from milepost_notify.sql_refold import as_history
from milepost_notify.sql_removal import ends, forget, thin
from milepost_notify.sql_rows import as_checkpoint, checkpoint_query
from milepost_notify.sql_take_back import take_back
from milepost_notify.sql_threads import engines, transact
from milepost_notify.store import CheckpointMoved


class SqlProjectionStore:
    """The read models in SQLite or PostgreSQL, as projectors write them."""

    def __init__(self, database_url: str) -> None:
        """Connects when first used.

        Raises:
            ConfigurationError: not a URL of ours.
        """
        self._reader, self._writer = engines(database_url)
        dialect = self._writer.dialect
        self._folded = FoldedRows(dialect)
        self._append = {table: st.Bulk(table, dialect) for table in (t.history, t.parked)}

    async def checkpoint(self, partition: int) -> Checkpoint | None:
        """How far a partition is; null when nobody has begun it."""

        def read(connection: Connection) -> Checkpoint | None:
            return as_checkpoint(connection.execute(checkpoint_query(partition)).one_or_none())

        return await transact(self._reader, read)

    async def begin(self, partition: int, log_id: str) -> Checkpoint:
        """Begin a partition before the first entry of the log, unless it has been begun."""

        new = {"partition": partition, "log_id": log_id, "era": 0}
        new |= {"position": START, "retained": START, "generation": partition}

        def write(connection: Connection) -> Checkpoint:
            connection.execute(st.insert_new(t.checkpoint, connection.dialect), [new])
            row = connection.execute(checkpoint_query(partition)).one()
            return as_checkpoint(row) or Checkpoint.first(partition, log_id)

        return await transact(self._writer, write)

    async def parked(self, partition: int) -> set[TaskKey]:
        """Tasks of which events wait for a replay."""
        column = t.parked.c
        query = select(column.owner, column.task_id).where(column.partition == partition).distinct()

        def read(connection: Connection) -> set[TaskKey]:
            return {(row.owner, row.task_id) for row in connection.execute(query)}

        return await transact(self._reader, read)

    async def known(
        self,
        at: Checkpoint,
        tasks: Collection[TaskKey],
        inboxes: Collection[str],
        unread_of: Collection[str],
    ) -> Known:
        """The rows of these tasks and owners, and every unread ended task of the last."""

        def read(connection: Connection) -> Known:
            return self._folded.read(connection, at.generation, tasks, inboxes, unread_of)

        return await transact(self._reader, read)

    async def ends(self, at: Checkpoint, until: StreamId) -> Ends | None:
        """See `store.ProjectionStore`; null while a rebuild folds the history."""

        def read(connection: Connection) -> Ends | None:
            waits = until.ms - at.retained.ms < PATIENCE_MS
            if waits and connection.scalar(being_made(at.partition)) is not None:
                return None
            return ends(connection, at, until)

        return await transact(self._reader, read)

    async def apply(self, before: Checkpoint, position: StreamId, changes: Changes) -> Checkpoint:
        """Save all changes and the checkpoint in one transaction.

        Its first statement is the conditional update of the checkpoint: of two projectors one finds
        its row changed, and gives up before it has written anything. After StoreUnavailable the
        outcome is unknown: read the checkpoint again.

        Raises:
            CheckpointMoved: the stored checkpoint is not `before`.
            StoreUnavailable: no answer.
        """

        after = replace(before, position=position, retained=changes.retained or before.retained)

        def write(connection: Connection) -> None:
            _move(connection, before, after)
            self._folded.save(connection, before.generation, changes)
            for table, rows in ((t.history, changes.history), (t.parked, changes.parked)):
                send(connection, self._append[table], rows)
            thin(connection, before.partition, changes)
            if changes.retained is not None:
                forget(connection, before, changes)

        await transact(self._writer, write)
        return after

    async def newest(self, partition: int, until: str, limit: int) -> list[HistoryRow]:
        """History up to a position, newest first."""
        column = t.history.c
        query = (
            select(t.history)
            .where(column.partition == partition, column.position <= until)
            .order_by(column.position.desc())
            .limit(limit)
        )

        def read(connection: Connection) -> list[HistoryRow]:
            return as_history(connection.execute(query))

        return await transact(self._reader, read)

    async def take_back(self, before: Checkpoint, position: StreamId) -> Checkpoint:
        """Forget what is behind a position, in one transaction that begins as that of `apply`.

        Raises:
            CheckpointMoved: the stored checkpoint is not `before`.
            StoreUnavailable: no answer.
        """
        retained = min(before.retained, position)
        after = replace(before, era=before.era + 1, position=position, retained=retained)

        def write(connection: Connection) -> None:
            _move(connection, before, after)
            take_back(connection, self._folded, after)

        await transact(self._writer, write)
        return after

    async def adopt(self, before: Checkpoint, log_id: str) -> Checkpoint:
        """Go on with another log from the same place, in the next era; rows stay as they are.

        Raises:
            CheckpointMoved: the stored checkpoint is not `before`.
            StoreUnavailable: no answer.
        """
        after = replace(before, log_id=log_id, era=before.era + 1)
        await transact(self._writer, partial(_move, before=before, after=after))
        return after

    async def close(self) -> None:
        """Close every connection."""
        for engine in (self._reader, self._writer):
            await asyncio.to_thread(engine.dispose)


def _move(connection: Connection, before: Checkpoint, after: Checkpoint) -> None:
    column = t.checkpoint.c
    stands = and_(
        column.partition == before.partition,
        column.log_id == before.log_id,
        column.era == before.era,
        column.position == before.position.sortable,
        column.generation == before.generation,
    )
    new = {"log_id": after.log_id, "era": after.era, "position": after.position.sortable}
    new["retained"] = after.retained.sortable
    if connection.execute(update(t.checkpoint).where(stands).values(new)).rowcount != 1:
        raise CheckpointMoved(f"partition {before.partition} is not at {before.position}")
