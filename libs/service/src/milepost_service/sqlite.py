"""Owns how connections to SQLite are set up and how their transactions begin. Knows no table."""

from typing import Any

from sqlalchemy import Connection, Engine, event

BUSY_TIMEOUT_MS = 5000

# FULL, not NORMAL, though WAL stays consistent with both: a projector lets the log be trimmed
# behind its committed checkpoint, and an account answered with 201 must exist after a power cut.
_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
)


def prepare(engine: Engine, *, writes: bool) -> None:
    """Set every connection up, and begin transactions by ourselves: the driver would begin late.

    Args:
        writes: take the write lock when a transaction begins, so that none fails halfway;
            otherwise a transaction cannot write at all.
    """
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    def connect(connection: Any, _: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
        cursor.execute(f"PRAGMA query_only = {int(not writes)}")
        cursor.close()

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", start)
