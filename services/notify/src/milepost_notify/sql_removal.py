"""Owns taking out of the SQL database what is not kept. Decides nothing, begins no transaction."""

from collections.abc import Iterable
from itertools import islice

from sqlalchemy import Connection, delete, select

from milepost_notify import tables as t
from milepost_notify.changes import Changes
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
    _forget(connection, partition, gone)


def _forget(connection: Connection, partition: int, positions: Iterable[str]) -> None:
    """Delete events of the history by their keys, few statements for many."""
    column, left = t.history.c, iter(sorted(positions))
    while batch := list(islice(left, _AT_ONCE)):
        connection.execute(
            delete(t.history).where(column.partition == partition, column.position.in_(batch))
        )
