"""Owns the databases that read models are measured in: fresh ones, which keep what they commit."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from postgres_server import Postgres

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"


@contextmanager
def database(kind: str, folder: Path) -> Generator[str]:
    """An empty one until the end of the block, a file in `folder` or a server; its URL."""
    if kind == SQLITE:
        yield f"sqlite+aiosqlite:///{folder / 'milepost.db'}"
        return
    server = Postgres(fsync=True)
    try:
        server.start()
        yield server.url
    finally:
        server.remove()
