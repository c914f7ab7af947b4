"""Owns taking out of the SQL database what is not kept. Decides nothing, begins no transaction."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection, and_, delete, or_, select

from milepost.cursors import StreamId
from milepost.events import InboxRead
from milepost_notify import tables as t
from milepost_notify.changes import Changes, Gone
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.retention import ENDS, ENDS_AT_ONCE, End, Ends
from milepost_notify.rows import TASK_PROGRESS
from milepost_notify.sql_generations import retire
from milepost_notify.thinning import Numbered, surplus

_AT_ONCE = 500
_TASKS_AT_ONCE = 64


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
    for some in _batches(changes.gone):
        old = (
            and_(history.owner == each.owner, history.task_id == each.task_id, below)
            for each in some
            for below in [history.position < each.below]
        )
        connection.execute(delete(t.history).where(or_(*old)))
    for some in _batches([each for each in changes.gone if each.whole]):
        of = task.generation == before.generation
        rows = (and_(of, task.owner == each.owner, task.id == each.task_id) for each in some)
        connection.execute(delete(t.task).where(or_(*rows)))
        of = and_(notification.generation == before.generation, notification.name == TASK_PROGRESS)
        rows = (
            and_(of, notification.owner == each.owner, notification.task_id == each.task_id)
            for each in some
        )
        connection.execute(delete(t.notification).where(or_(*rows)))
    if changes.retained is not None:
        connection.execute(
            delete(t.history).where(
                history.partition == before.partition,
                history.position > before.retained.sortable,
                history.position <= changes.retained.sortable,
                history.type == InboxRead.type,
            )
        )


def _batches(gone: Sequence[Gone]) -> Iterator[Sequence[Gone]]:
    """By powers of two: few texts of statements, each of which is looked up in an index."""
    start = 0
    while start < len(gone):
        size = min(_TASKS_AT_ONCE, 1 << (len(gone) - start).bit_length() - 1)
        yield gone[start : start + size]
        start += size


def _forget_events(connection: Connection, partition: int, positions: Iterable[str]) -> None:
    """Delete events of the history by their keys, few statements for many."""
    column, left = t.history.c, iter(sorted(positions))
    while batch := list(islice(left, _AT_ONCE)):
        connection.execute(
            delete(t.history).where(column.partition == partition, column.position.in_(batch))
        )
