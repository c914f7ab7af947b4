"""Databases for tests: both kinds, with the tables of every service."""

from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from sqlalchemy import select

import milepost_notify.main
import milepost_submit.main
from milepost.settings import Settings
from milepost_notify import tables
from milepost_service.engines import engine
from pgbouncer_server import PgBouncer
from postgres_server import Postgres

MIGRATED = "migrated"
"""The database that those of tests are copies of."""


EVERYWHERE = pytest.mark.parametrize(
    "database_url", ["sqlite", "postgresql", "pgbouncer"], indirect=True
)
"""The fixture `database_url`, on each kind of database."""
ON_BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


class Databases(Protocol):
    """Databases of one kind."""

    def take(self) -> str:
        """A database with no rows in it; its URL."""
        ...

    def give_back(self) -> None:
        """Those taken are not needed any more; nobody is connected."""
        ...


class Files:
    """Copies of one SQLite file."""

    def __init__(self, migrated: Path, folder: Path) -> None:
        self._migrated, self._folder = migrated, folder
        self._count = 0

    def take(self) -> str:
        """A database with no rows in it; its URL."""
        self._count += 1
        path = self._folder / f"{self._count}.db"
        path.write_bytes(self._migrated.read_bytes())
        return f"sqlite:///{path}"

    def give_back(self) -> None:
        """The folder goes with the test."""


def rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the read models and the history, the same from every kind of database."""
    found = dict[str, list[tuple[Any, ...]]]()
    opened = engine(url, "read", tables.SCHEMA.name, connections=1)
    with opened.begin() as connection:
        for table in (
            tables.task, tables.notification, tables.inbox, tables.history, tables.parked
        ):  # fmt: skip
            name = table.name.removeprefix("notify_")
            found[name] = sorted(map(tuple, connection.execute(select(table))), key=repr)
    opened.dispose()
    return found


def migrate(url: str) -> None:
    """Bring the tables of every service up to date."""
    settings = Settings.load(database_url=url)
    milepost_submit.main.migrate(settings)
    milepost_notify.main.migrate(settings)


class Through:
    """Databases of another kind, through a pooler."""

    def __init__(self, pooler: PgBouncer, behind: Databases) -> None:
        self._pooler, self._behind = pooler, behind

    def take(self) -> str:
        """A database with no rows in it; its URL."""
        return self._pooler.through(self._behind.take())

    def give_back(self) -> None:
        """Those taken are not needed any more."""
        self._behind.give_back()


class Spares:
    """Databases of one server, used by one test after the other: emptying one takes a hundredth of
    the time of making one."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._spare: list[str] = []
        self._taken: list[str] = []

    def take(self) -> str:
        """A database with no rows in it; its URL."""
        if not self._spare:
            name = f"test_{len(self._taken)}"
            self._spare.append(self._postgres.make_database(name, template=MIGRATED))
        self._taken.append(self._spare.pop())
        return self._taken[-1]

    def give_back(self) -> None:
        """Empty those taken."""
        while self._taken:
            url = self._taken.pop()
            with psycopg.connect(url) as connection:
                connection.execute(_END_OTHERS)
                for (table,) in connection.execute(_TABLES).fetchall():
                    connection.execute(f"DELETE FROM {table}".encode())
            self._spare.append(url)


_END_OTHERS: Any = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_TABLES: Any = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname IN ('submit', 'notify') AND tablename NOT LIKE '%version'
"""
