"""Owns the statements that a projector sends by the thousand, made once and in the database's own
words. Runs none.

Rows go to the driver as they are, many in one statement. One statement a row would be slower, and
much slower while another thread is at work: SQLite's driver gives Python's lock away at every step
and waits for it again (measured: 21 us a row alone, 3,400 us beside a busy event loop).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from operator import itemgetter
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Column, Dialect, Executable, String, Table, TextClause, text
from sqlalchemy.dialects import postgresql, sqlite

from milepost_notify import tables as t

_MOST_PARAMETERS = 32_000
"""SQLite takes 32,766 in one statement."""

_KEYS = {
    "sqlite": (
        "json_each(:keys) AS k",
        "json_extract(k.value, '$[0]')",
        "json_extract(k.value, '$[1]')",
    ),
    "postgresql": (
        "jsonb_array_elements(CAST(:keys AS jsonb)) AS k(value)",
        "k.value->>0",
        "k.value->>1",
    ),
}


class Bulk:
    """Inserts many rows, or replaces those of the same key, in as few statements as can be.

    PostgreSQL gets them as one JSON document: a thousand parameters have to be looked at one by one
    in Python and parsed on the other side (measured, a batch of 1,000 events: 215 us an event on
    our side, as a document 5.5 us). SQLite, in our process, gets them as they are.
    """

    def __init__(self, table: Table, dialect: Dialect, *, generation: int | None = None) -> None:
        """`generation`: of the rows; null for tables that have none, whose rows are only added."""
        quote = dialect.identifier_preparer.quote
        columns = [column for column in table.c if column.name != "generation"]
        names = [column.name for column in columns]
        key = {column.name for column in table.primary_key}
        fixed = [] if generation is None else ["generation"]
        self._values: Callable[[Mapping[str, Any]], tuple[Any, ...]] = itemgetter(*names)
        written = ", ".join(map(quote, [*fixed, *names]))
        self._head = f"INSERT INTO {t.SCHEMA.qualified(table, dialect)} ({written}) "
        self._tail = ""
        if generation is not None:
            new = ", ".join(f"{quote(n)} = excluded.{quote(n)}" for n in names if n not in key)
            self._tail = f" ON CONFLICT ({', '.join(map(quote, sorted(key)))}) DO UPDATE SET {new}"
        numbers = [str(generation)] * len(fixed)
        self._document = ""
        if dialect.name == "postgresql":
            values = ", ".join([*numbers, *(f"x.{quote(name)}" for name in names)])
            types = ", ".join(f"{quote(each.name)} {_plain(each, dialect)}" for each in columns)
            source = f"SELECT {values} FROM json_to_recordset(%s::json) AS x({types})"
            self._document = f"{self._head}{source}{self._tail}"
        self._row = f"({', '.join([*numbers, *['?'] * len(names)])})"
        most = _MOST_PARAMETERS // len(names)
        self._sizes = [2**n for n in range(most.bit_length() - 1, -1, -1)]
        self._sql: dict[int, str] = {}

    def statements(
        self, rows: Iterable[Mapping[str, Any]]
    ) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """SQL and parameters that store all rows; no two of them have the same key.

        By powers of two: few statements a batch, and few texts, which SQLite's driver keeps parsed.
        """
        if self._document:
            if told := list(rows):
                yield self._document, (to_json(told).decode(),)
            return
        values = list(map(self._values, rows))
        start = 0
        for size in self._sizes:
            while len(values) - start >= size:
                yield self._text(size), tuple(chain.from_iterable(values[start : start + size]))
                start += size

    def _text(self, size: int) -> str:
        if size not in self._sql:
            rows = ", ".join([self._row] * size)
            self._sql[size] = f"{self._head}VALUES {rows}{self._tail}"
        return self._sql[size]


def _plain(column: Column[Any], dialect: Dialect) -> str:
    """A column's type, for a value on its way there."""
    return "text" if isinstance(column.type, String) else column.type.compile(dialect)


def insert_new(table: Table, dialect: Dialect) -> Executable:
    """Insert rows whose keys are not there yet; of two who try at once one inserts."""
    insert = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect.name]
    return insert(table).on_conflict_do_nothing()


def tasks_by_key(dialect: Dialect) -> Executable:
    """Tasks of `:generation` whose (owner, id) are in the JSON array `:keys`.

    The keys come first and each is looked up in the index. `(owner, id) IN (...)` would read every
    task of the generation (SQLite 3.40), and is parsed anew for each number of keys.
    """
    keys, owner, task_id = _KEYS[dialect.name]
    return _sql(
        dialect,
        f"SELECT {_columns(t.task, 't')} FROM {keys} CROSS JOIN {{task}} AS t "
        f"WHERE t.generation = :generation AND t.owner = {owner} AND t.id = {task_id}",
    ).columns(*t.task.c)


def unread_by_owner(dialect: Dialect) -> Executable:
    """Ended tasks neither read nor dismissed, of the owners in the JSON array `:keys`.

    Whatever ended up to an inbox's `read_until` is read, so they are among what changed behind it:
    to mark as read costs what is new, not what its owner ever had.
    """
    keys, owner, _ = _KEYS[dialect.name]
    return _sql(
        dialect,
        f"SELECT {_columns(t.task, 't')} FROM {keys} CROSS JOIN {{inbox}} AS i "
        "CROSS JOIN {notification} AS n CROSS JOIN {task} AS t "
        f"WHERE i.generation = :generation AND i.owner = {owner} "
        "AND n.generation = i.generation AND n.owner = i.owner AND n.position > i.read_until "
        "AND t.generation = n.generation AND t.owner = n.owner AND t.id = n.task_id "
        "AND t.ended_position IS NOT NULL AND NOT t.read AND NOT t.dismissed",
    ).columns(*t.task.c)


def inboxes_by_owner(dialect: Dialect) -> Executable:
    """Inboxes of the owners in the JSON array `:keys`."""
    keys, owner, _ = _KEYS[dialect.name]
    return _sql(
        dialect,
        f"SELECT {_columns(t.inbox, 'i')} FROM {keys} CROSS JOIN {{inbox}} AS i "
        f"WHERE i.generation = :generation AND i.owner = {owner}",
    ).columns(*t.inbox.c)


def _sql(dialect: Dialect, words: str) -> TextClause:
    """SQL text in which {task}, {notification} and {inbox} stand for those tables."""
    tables = {"task": t.task, "notification": t.notification, "inbox": t.inbox}
    return text(
        words.format(**{name: t.SCHEMA.qualified(tables[name], dialect) for name in tables})
    )


def _columns(table: Table, alias: str) -> str:
    """Those that we know, in our order: the next release's migrations may have added some."""
    return ", ".join(f"{alias}.{column.name}" for column in table.c)
