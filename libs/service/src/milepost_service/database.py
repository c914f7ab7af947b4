"""Owns engines on the SQL database: who may write, how transactions begin. Knows no table."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, Self

from sqlalchemy import Connection, Engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from milepost.errors import ConfigurationError

BUSY_TIMEOUT_MS = 5000
_READERS = 4
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}

# FULL, not NORMAL, though WAL stays consistent with both: a projector lets the log be trimmed
# behind its committed checkpoint, and an account answered with 201 must exist after a power cut.
_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
)

Begin = Literal["BEGIN", "BEGIN IMMEDIATE"]


@dataclass(frozen=True, slots=True)
class Database:
    """Two engines on one database."""

    writer: AsyncEngine
    """SQLite: one connection, whose transactions take the write lock when they begin, so that none
    fails halfway; PostgreSQL: READ COMMITTED."""
    reader: AsyncEngine
    """Transactions are snapshots (SQLite: from the first read; PostgreSQL: REPEATABLE READ)."""

    @classmethod
    def open(cls, database_url: str) -> Self:
        """Make the engines; they connect when first used.

        Raises:
            ConfigurationError: not a URL of ours, or its driver is not installed.
        """
        url = async_url(database_url)
        if is_sqlite(url):
            writer = _engine(url, pool_size=1, max_overflow=0)
            reader = _engine(url, pool_size=_READERS, max_overflow=0)
            prepare_sqlite(writer.sync_engine, "BEGIN IMMEDIATE")
            prepare_sqlite(reader.sync_engine, "BEGIN", query_only=True)
            return cls(writer, reader)
        writer = _engine(url, pool_size=_READERS, isolation_level="READ COMMITTED")
        reader = _engine(url, pool_size=_READERS, isolation_level="REPEATABLE READ")
        return cls(writer, reader)

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection]:
        """Open a writing transaction; commits at the end, rolls back on an exception."""
        async with self.writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """Open a reading transaction: one snapshot."""
        async with self.reader.begin() as connection:
            yield connection

    async def check(self) -> None:
        """Return if the database answers."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self.writer.dispose()
        await self.reader.dispose()


def async_url(database_url: str) -> URL:
    """Complete a URL with our driver.

    Raises:
        ConfigurationError: neither SQLite nor PostgreSQL.
    """
    try:
        url = make_url(database_url)
    except ArgumentError as err:
        raise ConfigurationError("MILEPOST_DATABASE_URL is no SQLAlchemy URL") from err
    name = url.drivername.partition("+")[0]
    name = "postgresql" if name == "postgres" else name
    if name not in _DRIVERS:
        raise ConfigurationError(f"MILEPOST_DATABASE_URL: sqlite or postgresql, not {name!r}")
    return url.set(drivername=_DRIVERS[name])


def is_sqlite(url: URL) -> bool:
    """Whether transactions have to be begun SQLite's way."""
    return url.get_backend_name() == "sqlite"


def prepare_sqlite(engine: Engine, begin: Begin, *, query_only: bool = False) -> None:
    """Set every connection up, and begin transactions by ourselves: the driver would begin late."""

    def connect(connection: Any, _: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
        cursor.execute(f"PRAGMA query_only = {int(query_only)}")
        cursor.close()

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", start)


def _engine(url: URL, **options: Any) -> AsyncEngine:
    try:
        # Parameters would stand in the text of exceptions, and so in logs.
        return create_async_engine(url, hide_parameters=True, **options)
    except (ModuleNotFoundError, NoSuchModuleError) as err:
        raise ConfigurationError(
            f"MILEPOST_DATABASE_URL: the driver of {url.get_backend_name()} is not installed"
        ) from err
