"""Owns taking out of the SQL database what is not kept. Decides nothing, begins no transaction."""

from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy import Connection, and_, delete, select

from milepost.cursors import StreamId
from milepost.events import OF_NO_TASK
from milepost_notify import tables as t
from milepost_notify.changes import Changes, Gone
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.retention import ENDS, ENDS_AT_ONCE, End, Ends
from milepost_notify.rows import TASK_PROGRESS
from milepost_notify.sql_generations import retire
from milepost_notify.thinning import Numbered, surplus

_AT_ONCE = 500


def thin(connection: Connection, partition: int, changes: Changes) -> None:
    """Take out the progress events that thinning does not keep, behind a batch that is stored."""
    column = t.history.c
    gone = set(changes.thinned)
    for owner, task_id in changes.crowded:
        query = (
            select(column.position, column.n, column.attempt)
            .where(column.owner == owner, column.task_id == task_id, column.n.is_not(None))
            .order_by(column.position)
        )
        gone.update(surplus([Numbered(*row) for row in connection.execute(query)]))
    _forget_events(connection, partition, gone)


def ends(connection: Connection, at: Checkpoint, until: StreamId) -> Ends:
    """The oldest ends up to a position, behind what retention has looked at."""
    column = t.history.c
    query = (
        select(column.owner, column.task_id, column.position)
        .where(
            column.partition == at.partition,
            column.position > at.retained.sortable,
            column.position <= until.sortable,
            column.type.in_(ENDS),
        )
        .order_by(column.position)
        .limit(ENDS_AT_ONCE + 1)
    )
    return Ends.of([End(*row) for row in connection.execute(query)], until)


def forget(connection: Connection, before: Checkpoint, changes: Changes) -> None:
    """Take out what retention keeps no longer, behind a batch that is stored."""
    history, task, notification = t.history.c, t.task.c, t.notification.c
    if changes.gone:
        # What is being made from the history no longer is what the history makes.
        retire(connection, before.partition)
    for owner, some in _by_owner(changes.gone):
        of = and_(task.generation == before.generation, task.owner == owner)
        connection.execute(delete(t.task).where(of, task.id.in_(some)))
        of = and_(
            notification.generation == before.generation,
            notification.owner == owner,
            notification.name == TASK_PROGRESS,
        )
        connection.execute(delete(t.notification).where(of, notification.task_id.in_(some)))
        mine = and_(history.owner == owner, history.task_id.in_(some))
        connection.execute(delete(t.history).where(mine))
    for each in changes.gone:
        if each.below is not None:
            mine = and_(history.owner == each.owner, history.task_id == each.task_id)
            connection.execute(delete(t.history).where(mine, history.position < each.below))
    if changes.retained is not None:
        connection.execute(
            delete(t.history).where(
                history.partition == before.partition,
                history.position > before.retained.sortable,
                history.position <= changes.retained.sortable,
                history.type.in_([each.type for each in OF_NO_TASK]),
            )
        )


def _by_owner(gone: Iterable[Gone]) -> Iterator[tuple[str, list[str]]]:
    """Tasks that go whole, in statements of one owner each: SQLite takes what is common to all
    terms of an OR for its index, and would read all that an owner, or everybody, has."""
    ids = dict[str, list[str]]()
    for each in gone:
        if each.below is None:
            ids.setdefault(each.owner, []).append(each.task_id)
    yield from ids.items()


def _forget_events(connection: Connection, partition: int, positions: Iterable[str]) -> None:
    """Delete events of the history by their keys, few statements for many."""
    column, left = t.history.c, iter(sorted(positions))
    while batch := list(islice(left, _AT_ONCE)):
        connection.execute(
            delete(t.history).where(column.partition == partition, column.position.in_(batch))
        )
