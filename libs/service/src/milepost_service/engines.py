"""Owns making an engine for a database URL: the same promises on SQLite and PostgreSQL."""

from typing import Any, Literal

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from milepost.errors import ConfigurationError
from milepost_service import sqlite

Access = Literal["read", "write", "look"]
"""`read`: a transaction is a snapshot of one moment (SQLite: from the first read) and writes
nothing. `write`: SQLite: it holds the lock from its beginning; PostgreSQL: READ COMMITTED. `look`:
as `read`, of what is there: SQLite makes no file and turns none to WAL."""

POOL_SECONDS = 3.0
"""Who gets no connection for so long does without."""
_ASYNC_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
_ISOLATION: dict[Access, dict[str, Any]] = {
    "read": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    "write": {"isolation_level": "READ COMMITTED"},
}
_ISOLATION["look"] = _ISOLATION["read"]


def engine(
    database_url: str,
    access: Access,
    schema: str | None,
    *,
    connections: int,
    patient: bool = False,
) -> Engine:
    """Make a blocking engine; it connects when first used.

    Args:
        schema: where PostgreSQL has the tables that name none; SQLite has no schemas.
        connections: at most so many.
        patient: a statement may take as long as it does (migrations, rebuilds); otherwise
            PostgreSQL has `postgres.ANSWER_SECONDS` for each.

    Raises:
        ConfigurationError: not a URL of ours, or its driver is not installed.
    """
    url = _url(database_url, _DRIVERS)
    if access == "look" and url.get_backend_name() == "sqlite":
        url = sqlite.only_looked_at(url)
    made: Engine = _make(create_engine, url, access, schema, connections)
    _prepare(made, access, asynchronous=False, patient=patient)
    return made


def async_engine(
    database_url: str, access: Access, schema: str | None, *, connections: int
) -> AsyncEngine:
    """Make an engine for an event loop; as `engine`."""
    url = async_url(database_url)
    made: AsyncEngine = _make(create_async_engine, url, access, schema, connections)
    _prepare(made.sync_engine, access, asynchronous=True, patient=False)
    return made


def async_url(database_url: str) -> URL:
    """Complete a URL with our driver.

    Raises:
        ConfigurationError: neither SQLite nor PostgreSQL.
    """
    return _url(database_url, _ASYNC_DRIVERS)


def is_sqlite(database_url: str) -> bool:
    """Whether it is a file.

    Raises:
        ConfigurationError: neither SQLite nor PostgreSQL.
    """
    return async_url(database_url).get_backend_name() == "sqlite"


def _url(database_url: str, drivers: dict[str, str]) -> URL:
    try:
        url = make_url(database_url)
    except ArgumentError as err:
        raise ConfigurationError("MILEPOST_DATABASE_URL is no SQLAlchemy URL") from err
    name = url.drivername.partition("+")[0]
    name = "postgresql" if name == "postgres" else name
    if name not in drivers:
        raise ConfigurationError(f"MILEPOST_DATABASE_URL: sqlite or postgresql, not {name!r}")
    return url.set(drivername=drivers[name])


def _make(create: Any, url: URL, access: Access, schema: str | None, connections: int) -> Any:
    options: dict[str, Any] = {
        "pool_size": connections,
        "max_overflow": 0,
        # Parameters would stand in the text of exceptions, and so in logs.
        "hide_parameters": True,
    }
    try:
        if url.get_backend_name() == "postgresql":
            from milepost_service import postgres  # the driver is slow to import

            asynchronous = create is create_async_engine
            options["connect_args"] = postgres.connect_arguments(
                url.query, asynchronous=asynchronous
            )
            options["execution_options"] = {**_ISOLATION[access]}
            if schema is not None:
                options["execution_options"]["schema_translate_map"] = {None: schema}
            options |= {"pool_timeout": POOL_SECONDS, "use_native_hstore": False}
        return create(url, **options)
    except (ModuleNotFoundError, NoSuchModuleError) as err:
        raise ConfigurationError(
            f"MILEPOST_DATABASE_URL: the driver of {url.get_backend_name()} is not installed"
        ) from err


def _prepare(engine: Engine, access: Access, *, asynchronous: bool, patient: bool) -> None:
    if engine.dialect.name == "sqlite":
        sqlite.prepare(engine, writes=access == "write", keeps=access != "look")
    else:
        from milepost_service import postgres

        postgres.prepare(engine, asynchronous=asynchronous, patient=patient)
