"""Owns reading the tasks that have not ended, for who compares them with the log. Changes none."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import and_, select, tuple_

from milepost.cursors import StreamId
from milepost.task_state import ENDED
from milepost_log.reconciling import LiveTask
from milepost_notify import tables as t
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.sql_queries import served
from milepost_notify.sql_rows import as_checkpoint, checkpoint_query, translated
from milepost_notify.sql_threads import engines

TASKS_AT_ONCE = 100
"""Their params may have 512 KiB each."""


class SqlLiveTasks:
    """Raises StoreUnavailable when the database does not answer."""

    def __init__(self, database_url: str) -> None:
        """Connects when first used.

        Raises:
            ConfigurationError: not a URL of ours.
        """
        self._reader, self._writer = engines(database_url, patient=True)

    def close(self) -> None:
        """Close every connection."""
        self._reader.dispose()
        self._writer.dispose()

    def checkpoint(self, partition: int) -> Checkpoint | None:
        """How far a partition is."""
        with translated(), self._reader.begin() as connection:
            return as_checkpoint(connection.execute(checkpoint_query(partition)).one_or_none())

    def tasks(self, partition: int) -> Iterator[list[LiveTask]]:
        """All tasks of a partition that have not ended, some at a time."""
        column, created = t.task.c, t.history.c
        same = and_(
            created.partition == partition,
            created.position == column.created_position,
        )
        query = (
            select(t.task, created.data, created.trace)
            .join_from(t.task, t.history, same)
            .where(column.generation == served(partition), column.status.not_in(sorted(ENDED)))
            .order_by(column.owner, column.id)
            .limit(TASKS_AT_ONCE)
        )
        after: tuple[str, str] | None = None
        while True:
            rest = query
            if after is not None:
                rest = query.where(tuple_(column.owner, column.id) > tuple_(*after))
            with translated(), self._reader.begin() as connection:
                found = [_live(row) for row in connection.execute(rest)]
            if found:
                yield found
            if len(found) < TASKS_AT_ONCE:
                return
            after = (found[-1].owner, found[-1].id)


def _live(row: Any) -> LiveTask:
    return LiveTask(
        owner=row.owner,
        id=row.id,
        status=row.status,
        attempt=row.attempt,
        failures=row.failures,
        crashes=row.crashes,
        queue=row.queue,
        priority=row.priority,
        created=row.data,
        created_id=str(StreamId.from_sortable(row.created_position)),
        runs_at=row.runs_at,
        worker=row.worker,
        cancel_requested=row.cancel_requested_at is not None,
        trace=row.trace,
    )
