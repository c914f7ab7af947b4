"""Owns operators' queries in SQL: of all owners, a bounded part of each partition at a time.

No index serves them but one of failures: what every projected event would have to pay for is not
worth a look now and then. So they walk the history, newest first, which is in that order anyway.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

from pydantic_core import to_json
from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from milepost_notify import tables as t
from milepost_notify.archive import HistoryRow, ParkedRow
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.ends import Ended
from milepost_notify.oversight import Failure, Listed, Overseen, Spot, Wanted, Window, join
from milepost_notify.rows import TaskRow
from milepost_notify.sql_ends import count_ends
from milepost_notify.sql_reads import SqlReadStore
from milepost_notify.sql_rows import as_checkpoint, as_dict

EVENTS_AT_ONCE = 5000
"""So many events of each partition a page looks at."""


class SqlOversight:
    """`oversight.Oversight` over the store that the API reads."""

    def __init__(self, reads: SqlReadStore, partitions: int) -> None:
        self._reads, self._partitions = reads, range(partitions)

    async def checkpoints(self) -> list[Checkpoint]:
        """See `oversight.Oversight`."""
        return await self._reads.within(_checkpoints)

    async def tasks(self, wanted: Wanted, *, before: Spot | None, limit: int) -> Listed[Overseen]:
        """See `oversight.Oversight`."""

        def look(connection: Connection) -> Listed[Overseen]:
            windows = [
                _tasks(connection, at, wanted, before, limit + 1)
                for at in _checkpoints(connection)
                if at.partition in self._partitions
            ]
            return join(windows, limit)

        return await self._reads.within(look)

    async def failures(
        self, reference: str | None, *, before: Spot | None, limit: int
    ) -> Listed[Failure]:
        """See `oversight.Oversight`."""

        def look(connection: Connection) -> Listed[Failure]:
            served = {at.partition: at.generation for at in _checkpoints(connection)}
            rows = [
                cast(HistoryRow, as_dict(row))
                for row in connection.execute(
                    _failures(connection.dialect.name, reference, before, limit + 1)
                )
            ]
            more = len(rows) > limit
            last = rows[limit - 1] if more else None
            return Listed(
                [_with_task(connection, served, row) for row in rows[:limit]],
                None if last is None else Spot(last["position"], last["partition"]),
            )

        return await self._reads.within(look)

    async def parked(self, *, limit: int) -> list[ParkedRow]:
        """See `oversight.Oversight`."""
        query = select(t.parked).order_by(t.parked.c.position, t.parked.c.partition).limit(limit)
        return await self._reads.within(
            lambda connection: [cast(ParkedRow, as_dict(row)) for row in connection.execute(query)]
        )

    async def ends(self, since_ms: int) -> Ended:
        """See `oversight.Oversight`."""

        def look(connection: Connection) -> Ended:
            served = [at for at in _checkpoints(connection) if at.partition in self._partitions]
            return count_ends(connection, served, since_ms)

        return await self._reads.within(look)

    async def parked_counts(self) -> dict[int, int]:
        """See `oversight.Oversight`."""
        column = t.parked.c.partition
        query = select(column, func.count()).group_by(column)
        return await self._reads.within(
            lambda connection: {row[0]: row[1] for row in connection.execute(query)}
        )


def _checkpoints(connection: Connection) -> list[Checkpoint]:
    query = select(t.checkpoint).order_by(t.checkpoint.c.partition)
    found = map(as_checkpoint, connection.execute(query))
    return [at for at in found if at is not None]


def _tasks(
    connection: Connection, at: Checkpoint, wanted: Wanted, before: Spot | None, limit: int
) -> Window[Overseen]:
    """The newest tasks of one partition out of so many of its events."""
    event, task = t.history.c, t.task.c
    within = [event.partition == at.partition, *_behind(before, at.partition)]
    if wanted.created_from is not None:
        within.append(event.position >= wanted.created_from)
    if wanted.created_until is not None:
        within.append(event.position < wanted.created_until)
    part = (
        select(event.position)
        .where(*within)
        .order_by(event.position.desc())
        .limit(EVENTS_AT_ONCE)
        .subquery()
    )
    lowest, count = connection.execute(
        select(func.min(part.c.position), func.count(part.c.position))
    ).one()
    if not count:
        return Window(at.partition, [], None)
    same = and_(
        task.generation == at.generation,
        task.owner == event.owner,
        task.id == event.task_id,
        task.created_position == event.position,
    )
    query = (
        select(t.task)
        .select_from(t.history.join(t.task, same))
        .where(*within, event.position >= lowest, event.type == "task.created")
        .where(*_wanted(wanted, connection.dialect.name))
        .order_by(event.position.desc())
        .limit(limit)
    )
    rows = [cast(TaskRow, as_dict(row)) for row in connection.execute(query)]
    looked_until = lowest if count == EVENTS_AT_ONCE else None
    if len(rows) == limit:  # there may be more, above the lowest
        looked_until = rows[-1]["created_position"]
    found = [(row["created_position"], Overseen(row, at)) for row in rows]
    return Window(at.partition, found, looked_until)


def _wanted(wanted: Wanted, dialect: str) -> Iterable[ColumnElement[bool]]:
    column = t.task.c
    for name in ("status", "type", "queue", "owner", "build"):
        value = getattr(wanted, name)
        if value is not None:
            yield column[name] == value
    if wanted.tag is not None:
        yield _contains(dialect, column.tags, to_json(wanted.tag).decode())
    if wanted.error is not None:
        yield _contains(dialect, column.error, f'"code":{to_json(wanted.error).decode()}')


def _failures(dialect: str, reference: str | None, before: Spot | None, limit: int) -> Select[Any]:
    """Newest first over all partitions, by the index of failures."""
    column = t.history.c
    query = (
        select(t.history)
        .where(t.is_failure)
        .order_by(column.position.desc(), column.partition.desc())
        .limit(limit)
    )
    if reference is not None:
        said = f'"reference":{to_json(reference).decode()}'
        query = query.where(_contains(dialect, column.data, said))
    if before is not None:
        same = and_(column.position == before.position, column.partition < before.partition)
        query = query.where((column.position < before.position) | same)
    return query


def _with_task(connection: Connection, served: dict[int, int], row: HistoryRow) -> Failure:
    column = t.task.c
    query = select(t.task).where(
        column.generation == served.get(row["partition"], -1),
        column.owner == row["owner"],
        column.id == row["task_id"],
    )
    found = connection.execute(query).one_or_none()
    return Failure(row, None if found is None else cast(TaskRow, as_dict(found)))


def _behind(before: Spot | None, partition: int) -> list[ColumnElement[bool]]:
    """What comes after a place, newest first, in one partition."""
    if before is None:
        return []
    position = t.history.c.position
    if partition < before.partition:
        return [position <= before.position]
    return [position < before.position]


_POSITIONS: dict[str, Callable[..., Any]] = {"sqlite": func.instr, "postgresql": func.strpos}


def _contains(dialect: str, column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Whether a text is in another, byte for byte: LIKE has wildcards and forgets case."""
    return _POSITIONS[dialect](column, text) > 0
