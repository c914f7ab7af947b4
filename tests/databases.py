"""Databases for tests: both kinds, with the tables of every service."""

from pathlib import Path
from typing import Any, Protocol

import psycopg

import milepost_notify.main
import milepost_submit.main
from milepost.settings import Settings
from postgres_server import Postgres

MIGRATED = "migrated"
"""The database that those of tests are copies of."""


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


def migrate(url: str) -> None:
    """Bring the tables of every service up to date."""
    settings = Settings.load(database_url=url)
    milepost_submit.main.migrate(settings)
    milepost_notify.main.migrate(settings)


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
