"""Owns how connections to SQLite are set up and how their transactions begin. Knows no table."""

from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL

BUSY_TIMEOUT_MS = 5000

# FULL, not NORMAL, though WAL stays consistent with both: a projector lets the log be trimmed
# behind its committed checkpoint, and an account answered with 201 must exist after a power cut.
_KEPT = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")
_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
)


def only_looked_at(url: URL) -> URL:
    """The URL of the same file, opened only if it is there, and not for writing."""
    if not url.database or url.database.startswith((":memory:", "file:")):
        return url
    return url.set(database=f"file:{quote(url.database)}").update_query_dict(
        {"mode": "ro", "uri": "true"}
    )


def prepare(engine: Engine, *, writes: bool, keeps: bool = True) -> None:
    """Set every connection up, and begin transactions by ourselves: the driver would begin late.

    Args:
        writes: take the write lock when a transaction begins, so that none fails halfway;
            otherwise a transaction cannot write at all.
        keeps: set the file up, too, so that it keeps what was committed.
    """
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    def connect(connection: Any, _: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (*_PRAGMAS, *(_KEPT if keeps else ())):
            cursor.execute(pragma)
        cursor.execute(f"PRAGMA query_only = {int(not writes)}")
        cursor.close()

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", start)
