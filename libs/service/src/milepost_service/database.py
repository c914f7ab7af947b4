"""Owns a service's connections to the SQL database: who may write. Knows no table."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from milepost_service.engines import async_engine, is_sqlite

_WRITERS = 4
_READERS = {"sqlite": 4, "postgresql": 10}


@dataclass(frozen=True, slots=True)
class Database:
    """Two engines on one database."""

    writer: AsyncEngine
    """SQLite: one connection, whose transactions take the write lock when they begin, so that none
    fails halfway; PostgreSQL: READ COMMITTED."""
    reader: AsyncEngine
    """Transactions are snapshots (SQLite: from the first read; PostgreSQL: REPEATABLE READ)."""

    @classmethod
    def open(cls, database_url: str, schema: str | None = None) -> Self:
        """Make the engines; they connect when first used.

        Args:
            schema: where PostgreSQL has the tables that name none; SQLite has no schemas.

        Raises:
            ConfigurationError: not a URL of ours, or its driver is not installed.
        """
        sqlite = is_sqlite(database_url)
        readers = _READERS["sqlite" if sqlite else "postgresql"]
        return cls(
            async_engine(database_url, "write", schema, connections=1 if sqlite else _WRITERS),
            async_engine(database_url, "read", schema, connections=readers),
        )

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
