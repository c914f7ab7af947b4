"""Owns blocking engines on the SQL database, used from threads. Knows no table.

An asynchronous driver hops to its thread and back three times for each statement, which costs more
than the statements of a small batch: a projector hops once a batch.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event

from milepost_notify.sql_rows import translated
from milepost_service.database import async_url, is_sqlite, prepare_sqlite

Answer = TypeVar("Answer")

_WAL_PAGES = 4000
"""A busy projector rewrites the same pages over and over: copy them back less often than every
1,000 pages, which is SQLite's default."""


def engines(database_url: str) -> tuple[Engine, Engine]:
    """Make two engines: of snapshots, and of transactions that write. They connect when first used.

    Raises:
        ConfigurationError: not a URL of ours.
    """
    url = async_url(database_url)
    if not is_sqlite(url):
        reader = create_engine(url, isolation_level="REPEATABLE READ")
        return reader, create_engine(url, isolation_level="READ COMMITTED")
    url = url.set(drivername="sqlite")
    reader = create_engine(url, pool_size=2, max_overflow=0)
    writer = create_engine(url, pool_size=1, max_overflow=0)
    prepare_sqlite(reader, "BEGIN")
    prepare_sqlite(writer, "BEGIN IMMEDIATE")

    def checkpoint_later(connection: Any, _: object) -> None:
        connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")

    event.listen(writer, "connect", checkpoint_later)
    return reader, writer


async def transact(engine: Engine, work: Callable[[Connection], Answer]) -> Answer:
    """Do `work` in one transaction in a thread; commit at its end, roll back on an exception.

    A thread cannot be stopped: who is cancelled waits for it first.

    Raises:
        StoreUnavailable: no answer; when writing, the outcome is unknown.
    """

    def in_transaction() -> Answer:
        with translated(), engine.begin() as connection:
            return work(connection)

    running = asyncio.ensure_future(asyncio.to_thread(in_transaction))
    cancelled = False
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        running.exception()  # looked at: nobody else will
        raise asyncio.CancelledError
    return running.result()
