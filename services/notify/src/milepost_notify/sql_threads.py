"""Owns blocking engines on the SQL database, used from threads. Knows no table.

An asynchronous driver hops to its thread and back three times for each statement, which costs more
than the statements of a small batch: a projector hops once a batch.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, event

from milepost_notify import tables as t
from milepost_notify.sql_rows import translated
from milepost_service.engines import engine, is_sqlite

Answer = TypeVar("Answer")

_CONNECTIONS = 8
"""PostgreSQL: no more partitions of a process than that write at a time."""
_WAL_PAGES = 4000
"""A busy projector rewrites the same pages over and over: copy them back less often than every
1,000 pages, which is SQLite's default."""
_CACHE_KIB = 16 * 1024
"""A transaction of a thousand events touches more pages than SQLite's 2 MiB hold: they would be
written out and read again halfway (measured: a third of the time a batch takes to save)."""


def engines(database_url: str, *, patient: bool = False) -> tuple[Engine, Engine]:
    """Make two engines: of snapshots, and of transactions that write. They connect when first used.

    Args:
        patient: statements may take as long as they do; for programs of their own.

    Raises:
        ConfigurationError: not a URL of ours.
    """
    sqlite = is_sqlite(database_url)
    schema = t.SCHEMA.name
    readers, writers = (2, 1) if sqlite else (_CONNECTIONS, _CONNECTIONS)
    reader = engine(database_url, "read", schema, connections=readers, patient=patient)
    writer = engine(database_url, "write", schema, connections=writers, patient=patient)
    if sqlite:
        event.listen(writer, "connect", _for_batches)
    return reader, writer


def _for_batches(connection: Any, _: object) -> None:
    connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")


async def transact(of: Engine, work: Callable[[Connection], Answer]) -> Answer:
    """Do `work` in one transaction in a thread; commit at its end, roll back on an exception.

    A thread cannot be stopped: who is cancelled waits for it first.

    Raises:
        StoreUnavailable: no answer; when writing, the outcome is unknown.
    """

    def in_transaction() -> Answer:
        with translated(), of.begin() as connection:
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
