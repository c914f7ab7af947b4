"""Owns the generations of a partition's rows that are not served, within a transaction of others.

One at most is being made; the others are retired, and gone once all of their rows are removed.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from milepost.errors import MilepostError
from milepost_notify import tables as t
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.rows import START
from milepost_notify.sql_folded import GENERATIONAL

GENERATIONS_APART = 1024
"""At most so many partitions there are: each counts its generations up from its own number."""
ROWS_A_SWEEP = 10_000


class RebuildMoved(MilepostError):
    """Somebody else goes on with this generation."""


@dataclass(frozen=True, slots=True)
class Building:
    """A generation that is being made."""

    partition: int
    number: int
    era: int
    """History of another era is another history."""
    position: str
    """The last history row contained."""


def begin(connection: Connection, at: Checkpoint) -> Building:
    """Go on with a generation begun in this era, or begin one."""
    found = connection.execute(select(t.generation).where(_of(at.partition))).all()
    for row in found:
        if not row.retired and row.era == at.era:
            return Building(at.partition, row.number, row.era, row.position)
    retire(connection, at.partition)
    newest = max([at.generation, *(row.number for row in found)])
    building = Building(at.partition, newest + GENERATIONS_APART, at.era, START)
    _insert(connection, building, retired=False)
    return building


def being_made(partition: int) -> Select[tuple[int]]:
    """The number of what a rebuild is at, or was when it was killed."""
    return select(t.generation.c.number).where(_of(partition), ~t.generation.c.retired)


def advance(connection: Connection, building: Building, position: str) -> Building:
    """Note that a generation contains all history up to a position.

    Raises:
        RebuildMoved: it does not stand where it was left.
    """
    column = t.generation.c
    mine = and_(
        column.number == building.number,
        column.position == building.position,
        ~column.retired,
    )
    moved = connection.execute(update(t.generation).where(mine).values(position=position))
    if moved.rowcount != 1:
        raise RebuildMoved(f"another rebuild works on partition {building.partition}")
    return replace(building, position=position)


def serve(connection: Connection, at: Checkpoint, building: Building) -> None:
    """Serve a generation in place of that of `at`, whose row is locked."""
    column = t.generation.c
    connection.execute(delete(t.generation).where(column.number == building.number))
    partition = t.checkpoint.c.partition == at.partition
    connection.execute(
        update(t.checkpoint).where(partition).values(generation=building.number)
    )  # fmt: skip
    _insert(connection, Building(at.partition, at.generation, at.era, START), retired=True)


def retire(connection: Connection, partition: int) -> None:
    """Give up what is being made."""
    connection.execute(update(t.generation).where(_of(partition)).values(retired=True))


class Sweep:
    """Removes the rows of retired generations, some at a time."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._behind = dict[tuple[str, int], tuple[Any, ...]]()
        """Up to which key all rows are removed. PostgreSQL would step over their remains again and
        again otherwise, until somebody vacuums."""

    def step(self, connection: Connection) -> bool:
        """Remove some rows, in the caller's transaction; whether there may be more."""
        column = t.generation.c
        retired = select(func.min(column.number)).where(_of(self._partition), column.retired)
        number = connection.scalar(retired)
        if number is None:
            return False
        if not any([self._remove_some(connection, table, number) for table in GENERATIONAL]):
            connection.execute(delete(t.generation).where(column.number == number))
        return True

    def _remove_some(self, connection: Connection, table: Table, number: int) -> int:
        key = [column for column in table.primary_key if column.name != "generation"]
        rest = [table.c.generation == number]
        behind = self._behind.get((table.name, number))
        if behind is not None:
            rest.append(tuple_(*key) > tuple_(*behind))
        last = connection.execute(
            select(*key).where(*rest).order_by(*key).offset(ROWS_A_SWEEP - 1).limit(1)
        ).one_or_none()
        if last is not None:
            self._behind[table.name, number] = tuple(last)
            rest.append(tuple_(*key) <= tuple_(*last))
        return connection.execute(delete(table).where(*rest)).rowcount


def _insert(connection: Connection, building: Building, *, retired: bool) -> None:
    new = {
        "number": building.number,
        "partition": building.partition,
        "retired": retired,
        "era": building.era,
        "position": building.position,
    }
    connection.execute(insert(t.generation), [new])


def _of(partition: int) -> ColumnElement[bool]:
    return t.generation.c.partition == partition
