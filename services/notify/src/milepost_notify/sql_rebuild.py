"""Owns making a generation of rows beside the one that is served, and serving it, in SQL.

Blocking, for a program of its own. Projectors go on meanwhile: what a step takes from them is one
short transaction, and the switch locks the checkpoint for the last few events alone.
"""

from sqlalchemy import Connection, func, select

from milepost.errors import MilepostError
from milepost_notify import sql_generations
from milepost_notify import tables as t
from milepost_notify.archive import HistoryRow
from milepost_notify.changes import Changes
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.comparison import Compared
from milepost_notify.sql_compare import compare
from milepost_notify.sql_folded import GENERATIONAL, FoldedRows
from milepost_notify.sql_generations import Building
from milepost_notify.sql_refold import Refold, as_history
from milepost_notify.sql_rows import as_checkpoint, checkpoint_query, translated
from milepost_notify.sql_threads import engines

EVENTS_A_STEP = 10_000
"""Some tenths of a second of folding; then the projectors have their turn."""


class HistoryChanged(MilepostError):
    """History has been told anew: what was folded of it is worthless."""


class SqlRebuild:
    """The rebuild of one partition. Every method raises StoreUnavailable when the database does not
    answer, and HistoryChanged when the generation has to be begun again."""

    def __init__(self, database_url: str, partition: int) -> None:
        """Connects when first used.

        Raises:
            ConfigurationError: not a URL of ours.
        """
        self._reader, self._writer = engines(database_url, patient=True)
        self._partition = partition
        self._folded = FoldedRows(self._writer.dialect)
        self._refold = Refold(self._folded, partition)
        self._sweep = sql_generations.Sweep(partition)
        self._steps = 0

    def close(self) -> None:
        """Close every connection."""
        self._reader.dispose()
        self._writer.dispose()

    def begin(self) -> Building | None:
        """Go on with a generation begun before, or begin one; null: nothing was ever projected."""
        with translated(), self._writer.begin() as connection:
            at = self._checkpoint(connection, lock=True)
            building = None if at is None else sql_generations.begin(connection, at)
        if building is not None:
            self._refold = Refold(self._folded, building.number)
        return building

    def sizes(self, building: Building) -> tuple[int, int]:
        """History rows contained, and history rows in all."""
        column = t.history.c
        contained = func.count().filter(column.position <= building.position)
        query = select(contained, func.count()).where(column.partition == self._partition)
        with translated(), self._reader.begin() as connection:
            done, total = connection.execute(query).one()
            return done, total

    def step(self, building: Building) -> tuple[Building, int]:
        """Fold the next history rows; the generation after it, and how many they were.

        Raises:
            RebuildMoved: another rebuild works on it.
        """
        with translated(), self._reader.begin() as connection:
            self._same_era(connection, building)
            rows = self._history(connection, building, EVENTS_A_STEP)
            changes = self._refold.fold(connection, rows)
        if not rows:
            return building, 0
        with translated(), self._writer.begin() as connection:
            after = self._save(connection, building, rows, changes)
        self._steps += 1
        if self._steps.bit_count() == 1:
            self._analyze()
        return after, len(rows)

    def compare(self, building: Building) -> list[Compared]:
        """Compare with what is served, as of one moment, all that has not changed since."""
        with translated(), self._reader.begin() as connection:
            served = self._same_era(connection, building).generation
            return compare(connection, served, building.number, until=building.position)

    def switch(
        self, building: Building, compared: str, *, serve: bool
    ) -> tuple[Checkpoint, list[Compared]] | None:
        """Fold what is left, compare what has changed and serve the generation, in one transaction.

        Args:
            compared: up to this position it has been compared.
            serve: whether to serve it; if not, it is only retired.

        Returns:
            The checkpoint at which they were compared, and what differs; null when there is too
            much left to fold: step on.

        Raises:
            RebuildMoved: another rebuild works on it.
        """
        with translated(), self._writer.begin() as connection:
            at = self._same_era(connection, building, lock=True)
            rows = self._history(connection, building, EVENTS_A_STEP + 1)
            if len(rows) > EVENTS_A_STEP:
                return None
            if rows:
                changes = self._refold.fold(connection, rows)
                building = self._save(connection, building, rows, changes)
            found = list[Compared]()
            if at.position.sortable != compared:
                found = compare(connection, at.generation, building.number, since=compared)
            if serve:
                sql_generations.serve(connection, at, building)
            else:
                sql_generations.retire(connection, self._partition)
            return at, found

    def sweep(self) -> bool:
        """Remove some rows of retired generations; whether there may be more."""
        with translated(), self._writer.begin() as connection:
            return self._sweep.step(connection)

    def _analyze(self) -> None:
        """Tell PostgreSQL what there is, whenever that is twice as much.

        Without statistics it takes a generation for empty and reads all of it where a few keys are
        to be looked up, and it sorts all the history that is left where the next rows are wanted.
        """
        dialect = self._writer.dialect
        if dialect.name == "postgresql":
            tables = (t.history, *GENERATIONAL)
            names = ", ".join(t.SCHEMA.qualified(table, dialect) for table in tables)
            with translated(), self._writer.begin() as connection:
                connection.exec_driver_sql(f"ANALYZE {names}")

    def _checkpoint(self, connection: Connection, *, lock: bool = False) -> Checkpoint | None:
        query = checkpoint_query(self._partition)
        query = query.with_for_update() if lock else query
        return as_checkpoint(connection.execute(query).one_or_none())

    def _same_era(
        self, connection: Connection, building: Building, *, lock: bool = False
    ) -> Checkpoint:
        at = self._checkpoint(connection, lock=lock)
        if at is None or at.era != building.era:
            raise HistoryChanged(f"the history of partition {self._partition} was told anew")
        return at

    def _history(
        self, connection: Connection, building: Building, most: int
    ) -> list[HistoryRow]:  # fmt: skip
        """The next rows; none is behind the checkpoint, which is saved with them."""
        column = t.history.c
        query = (
            select(t.history)
            .where(column.partition == self._partition, column.position > building.position)
            .order_by(column.position)
            .limit(most)
        )
        return as_history(connection.execute(query))

    def _save(
        self, connection: Connection, building: Building, rows: list[HistoryRow], changes: Changes
    ) -> Building:
        after = sql_generations.advance(connection, building, rows[-1]["position"])
        self._refold.save(connection, changes)
        return after
