"""Owns the rows that folding reads and writes, of any generation, within a transaction of others.

Begins no transaction, folds nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

from pydantic_core import to_json
from sqlalchemy import Connection, Dialect, Executable, Table

from milepost_notify import statements as st
from milepost_notify import tables as t
from milepost_notify.changes import Changes, Known
from milepost_notify.rows import InboxRow, TaskKey, TaskRow
from milepost_notify.sql_rows import as_dict

GENERATIONAL = (t.task, t.notification, t.inbox)
"""The tables whose rows are of a generation."""


class FoldedRows:
    """Tasks, notifications and inboxes in one database."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._tasks_by_key = st.tasks_by_key(dialect)
        self._unread_by_owner = st.unread_by_owner(dialect)
        self._inboxes_by_owner = st.inboxes_by_owner(dialect)
        self._upserts: dict[tuple[Table, int], st.Bulk] = {}

    def read(
        self,
        connection: Connection,
        generation: int,
        tasks: Collection[TaskKey],
        inboxes: Collection[str],
        unread_of: Collection[str],
    ) -> Known:
        """The rows of these tasks and owners, and every unread ended task of the last."""
        known = Known()

        def rows(query: Executable, keys: Iterable[Any]) -> Iterable[Any]:
            wanted = to_json(list(keys)).decode()
            return connection.execute(query, {"generation": generation, "keys": wanted})

        if tasks:
            for row in rows(self._tasks_by_key, tasks):
                known.tasks[row.owner, row.id] = cast(TaskRow, as_dict(row))
        if unread_of:
            for row in rows(self._unread_by_owner, ([owner] for owner in unread_of)):
                known.tasks[row.owner, row.id] = cast(TaskRow, as_dict(row))
        if inboxes:
            for row in rows(self._inboxes_by_owner, ([owner] for owner in inboxes)):
                known.inboxes[row.owner] = cast(InboxRow, as_dict(row))
        return known

    def save(self, connection: Connection, generation: int, changes: Changes) -> None:
        """Insert or replace every row that changed, but for history and parked events."""
        for table, rows in (
            (t.task, changes.tasks.values()),
            (t.notification, changes.notifications.values()),
            (t.inbox, changes.inboxes.values()),
        ):
            send(connection, self._upsert(table, generation), rows)

    def _upsert(self, table: Table, generation: int) -> st.Bulk:
        found = self._upserts.get((table, generation))
        if found is None:
            found = st.Bulk(table, self._dialect, generation=generation)
            self._upserts[table, generation] = found
        return found


def send(connection: Connection, bulk: st.Bulk, rows: Iterable[Mapping[str, Any]]) -> None:
    """Run the statements that store these rows."""
    for sql, parameters in bulk.statements(rows):
        connection.exec_driver_sql(sql, parameters)
