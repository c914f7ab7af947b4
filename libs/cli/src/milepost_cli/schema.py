"""Owns whether the database is there, with tables that this code may use. Looks; makes nothing."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, ProgrammingError

from milepost.errors import ConfigurationError
from milepost_notify import tables as t
from milepost_notify.sql_rows import translated
from milepost_service.engines import async_url, engine, is_sqlite
from milepost_service.schemas import Recorded, Schema


class NoFile(ConfigurationError):
    """SQLite's file is not there: who opened it for writing would make an empty one."""


@contextmanager
def looking(database_url: str) -> Generator[Engine]:
    """An engine that reads what is there; its tables are named as notify's are.

    Raises:
        NoFile: it is SQLite's, and not there.
        ConfigurationError: not a URL of ours.
    """
    file = async_url(database_url).database if is_sqlite(database_url) else None
    if file and not file.startswith(("file:", ":memory:")) and not Path(file).exists():
        raise NoFile(
            f"there is no database {file}: restore it, or name the right one in "
            "MILEPOST_DATABASE_URL; `./milepost migrate` makes a new one"
        )
    reader = engine(database_url, "look", t.SCHEMA.name, connections=1)
    try:
        yield reader
    finally:
        reader.dispose()


def misfits(reader: Engine, schemas: Iterable[Schema]) -> list[str]:
    """Why this code must not run on them, each with the remedy.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    found = list[str]()
    with translated():
        for schema in schemas:
            with reader.connect() as connection:
                found += filter(None, [schema.misfit(_recorded(connection, schema))])
    return found


def require(database_url: str) -> None:
    """Return if notify's tables are there and this code may use them.

    Raises:
        ConfigurationError: they are not, in one line with the remedy; or the URL is unusable.
        StoreUnavailable: the database does not answer.
    """
    with looking(database_url) as reader:
        for misfit in misfits(reader, [t.SCHEMA]):
            raise ConfigurationError(misfit)


def _recorded(connection: Connection, schema: Schema) -> Recorded | None:
    try:
        row = connection.execute(schema.recorded(connection.dialect)).one_or_none()
    except (OperationalError, ProgrammingError):
        connection.rollback()
        connection.exec_driver_sql("SELECT 1")  # no such table, as far as it answers at all
        return None
    return None if row is None else Recorded(row.version_num, row.oldest_code)
