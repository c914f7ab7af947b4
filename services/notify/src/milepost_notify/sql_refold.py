"""Owns folding history rows into a generation of rows, within transactions of others."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, cast

from sqlalchemy import Connection, Select, delete, select

from milepost_notify import cache
from milepost_notify import tables as t
from milepost_notify.archive import HistoryRow, archived
from milepost_notify.changes import Changes, Known
from milepost_notify.refolding import refold_entries
from milepost_notify.sql_folded import GENERATIONAL, FoldedRows

ROWS_AT_ONCE = 5_000


class Refold:
    """Folds one batch of history after the other; rows stay in memory between them."""

    def __init__(self, folded: FoldedRows, generation: int) -> None:
        self._folded, self._generation = folded, generation
        self._known = Known()

    def fold(self, connection: Connection, rows: Iterable[HistoryRow]) -> Changes:
        """Fold the next rows; what they change is to be saved before the next ones are folded.

        Raises:
            NewerEvent: a later version of this code has written one of them.
        """
        entries = [archived(row) for row in rows]
        if wanted := cache.missing(self._known, entries):
            cache.add(self._known, self._folded.read(connection, self._generation, *wanted))
        return refold_entries(self._known, entries)

    def save(self, connection: Connection, changes: Changes) -> None:
        """Insert or replace the rows that changed."""
        self._folded.save(connection, self._generation, changes)
        cache.evict(self._known, changes)


def refold_owners(
    connection: Connection, folded: FoldedRows, generation: int, owners: Collection[str]
) -> None:
    """Make every row of these owners again from the history, in the caller's transaction.

    Raises:
        NewerEvent: a later version of this code has written some of their history.
    """
    column = t.history.c
    for owner in sorted(owners):
        for table in GENERATIONAL:
            of_owner = (table.c.generation == generation, table.c.owner == owner)
            connection.execute(delete(table).where(*of_owner))
        refold = Refold(folded, generation)
        query = select(t.history).where(column.owner == owner).order_by(column.position)
        for rows in _batches(connection, query):
            refold.save(connection, refold.fold(connection, rows))


def as_history(rows: Iterable[Any]) -> list[HistoryRow]:
    """Rows of `select(t.history)`."""
    names = t.history.c.keys()
    return [cast(HistoryRow, dict(zip(names, row, strict=True))) for row in rows]


def _batches(
    connection: Connection, query: Select[*tuple[Any, ...]]
) -> Iterator[list[HistoryRow]]:  # fmt: skip
    """All rows, few at a time in memory."""
    streamed = connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE))
    for rows in streamed.partitions():
        yield as_history(rows)
