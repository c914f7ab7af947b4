"""Owns replaying parked events in the SQL database: one transaction a partition. Folds nothing."""

import asyncio
from collections.abc import Iterable
from typing import cast

from sqlalchemy import Connection, delete, func, select, update

from milepost_notify import statements as st
from milepost_notify import tables as t
from milepost_notify.archive import ParkedRow
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.replaying import Replayed, created, needed, replay, taken_out
from milepost_notify.rows import START, TaskKey
from milepost_notify.sql_folded import FoldedRows, send
from milepost_notify.sql_removal import thin
from milepost_notify.sql_rows import as_checkpoint, as_dict, checkpoint_query
from milepost_notify.sql_threads import engines, transact


class SqlReplayStore:
    """`store.ReplayStore` in SQLite or PostgreSQL."""

    def __init__(self, database_url: str) -> None:
        """Connects when first used.

        Raises:
            ConfigurationError: not a URL of ours.
        """
        self._reader, self._writer = engines(database_url)
        dialect = self._writer.dialect
        self._folded = FoldedRows(dialect)
        self._append = {table: st.Bulk(table, dialect) for table in (t.history, t.parked)}

    async def replay(self, partition: int) -> Replayed:
        """See `store.ReplayStore`."""

        def write(connection: Connection) -> Replayed:
            # The lock of this row keeps a projector's batch waiting, which then finds another era.
            row = connection.execute(checkpoint_query(partition).with_for_update()).one_or_none()
            at = as_checkpoint(row)
            query = select(t.parked).where(t.parked.c.partition == partition)
            rows = [cast(ParkedRow, as_dict(each)) for each in connection.execute(query)]
            return self._replay(connection, at, rows) if at and rows else Replayed(partition, 0, 0)

        return await transact(self._writer, write)

    async def close(self) -> None:
        """Close every connection."""
        for engine in (self._reader, self._writer):
            await asyncio.to_thread(engine.dispose)

    def _replay(
        self, connection: Connection, at: Checkpoint, rows: Iterable[ParkedRow]
    ) -> Replayed:
        entries = taken_out(rows)
        known = self._folded.read(connection, at.generation, *needed(entries))
        for key, begin in created(entries).items():
            known.children[key] = _children(connection, at, key, begin)
        changes = replay(known, entries)
        column = t.checkpoint.c
        connection.execute(delete(t.parked).where(t.parked.c.partition == at.partition))
        self._folded.save(connection, at.generation, changes)
        for table, new in ((t.history, changes.history), (t.parked, changes.parked)):
            send(connection, self._append[table], new)
        thin(connection, at.partition, changes)
        projected = len(entries) - len(changes.parked)
        if projected:
            told_anew = update(t.checkpoint).where(column.partition == at.partition)
            # Tasks that ended long ago may be among them: retention looks at everything once more.
            connection.execute(told_anew.values(era=at.era + 1, retained=START))
        return Replayed(at.partition, projected, len(changes.parked))


def _children(connection: Connection, at: Checkpoint, key: TaskKey, begin: str) -> int:
    """How many tasks later than `begin` have this one as their parent."""
    column = t.task.c
    query = select(func.count()).where(
        column.generation == at.generation,
        column.owner == key[0],
        column.parent == key[1],
        column.created_position > begin,
    )
    return connection.scalar(query) or 0
