"""Owns bringing a schema forwards, by Alembic revisions inside a package. Never goes backwards.

Each revision says `oldest_code`: the number of the oldest code that still works on what it leaves
behind. One that only adds repeats its predecessor's; one that takes away what code of the last
release still uses waits for the release after it, and then says so.
"""

import logging
import time
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError

from milepost.errors import ConfigurationError
from milepost_service.engines import engine
from milepost_service.schemas import Recorded, Schema

_log = logging.getLogger(__name__)
_PATIENCE_SECONDS = 10.0
_LOCK_SECONDS = 2
"""Who changes a table waits no longer than this for those that use it, since all who come after
wait behind it; then it lets them through and tries again."""
_BUSY = ("locked", "lock timeout", "deadlock")


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What was done to a schema."""

    before: str | None
    """The revision it was at; null when there was nothing."""
    after: str


def upgrade(database_url: str, schema: Schema) -> Upgrade | None:
    """Bring a schema up to date; null when there was nothing to do.

    Blocking. Cheap when it is current: Alembic is not imported then. Processes that start together
    take turns; a schema newer than this code is left alone. All revisions or none.

    Raises:
        ConfigurationError: the database cannot be opened, does not answer or refuses; or what it
            has is too new for this code.
    """
    engine = _engine(database_url, schema, patient=True)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    try:
        while True:
            try:
                return _upgrade(engine, schema)
            except OperationalError as err:
                # SQLite's busy timeout does not hold while the file turns to WAL.
                busy = any(word in str(err.orig) for word in _BUSY)
                if not busy or time.monotonic() > deadline:
                    raise _refusal(err) from err
                time.sleep(0.05)
            except DBAPIError as err:
                raise _refusal(err) from err
    finally:
        engine.dispose()


def require(database_url: str, schema: Schema) -> None:
    """Return if this code may run on what the database has, or if the database does not answer:
    readiness looks again.

    Raises:
        ConfigurationError: it may not, in one line with the remedy; or the URL is unusable.
    """
    engine = _engine(database_url, schema, patient=False)
    try:
        with engine.connect() as connection:
            reason = schema.misfit(_recorded(connection, schema))
    except DBAPIError as err:
        refusal = _refusal(err)
        if engine.dialect.name == "sqlite":  # a file that cannot be opened does not come back
            raise refusal from err
        fields = {"action": "check schema", "reason": str(refusal)}
        _log.warning("the database does not answer yet", extra=fields)
        return
    finally:
        engine.dispose()
    if reason is not None:
        raise ConfigurationError(reason)


def _engine(database_url: str, schema: Schema, *, patient: bool) -> Engine:
    return engine(database_url, "write", schema.name, connections=1, patient=patient)


def _refusal(err: DBAPIError) -> ConfigurationError:
    line = str(err.orig).strip().partition("\n")[0]
    return ConfigurationError(f"MILEPOST_DATABASE_URL: {line}")


def _upgrade(engine: Engine, schema: Schema) -> Upgrade | None:
    with engine.connect() as connection:
        if _is_current(_recorded(connection, schema), schema):
            return None
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            _take_turns(connection, schema)
        found = _recorded(connection, schema)
        if _is_current(found, schema):
            return None
        _run(connection, schema)
    _log.info("schema upgraded", extra={"schema": schema.name, "revision": schema.newest})
    return Upgrade(found.revision if found else None, schema.newest)


def _take_turns(connection: Connection, schema: Schema) -> None:
    """For this transaction alone: a pooler gives the connection to others behind it."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
    connection.execute(lock, {"name": f"milepost migrate {schema.name}"})
    exists = text("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = :name")
    if connection.scalar(exists, {"name": schema.name}) is None:
        connection.execute(text(f"CREATE SCHEMA {schema.name}"))
    connection.execute(text(f"SET LOCAL search_path TO {schema.name}"))
    connection.execute(text(f"SET LOCAL lock_timeout TO '{_LOCK_SECONDS}s'"))


def _is_current(found: Recorded | None, schema: Schema) -> bool:
    """Whether there is nothing to do.

    Raises:
        ConfigurationError: what is there is too new for this code.
    """
    if found is None or found.revision < schema.newest:
        return False
    if (reason := schema.misfit(found)) is not None:
        raise ConfigurationError(reason)
    return True


def _recorded(connection: Connection, schema: Schema) -> Recorded | None:
    place = schema.name if connection.dialect.name == "postgresql" else None
    if not inspect(connection).has_table(schema.version_table, schema=place):
        return None
    row = connection.execute(schema.recorded(connection.dialect)).one_or_none()
    return None if row is None else Recorded(row.version_num, row.oldest_code)


def _run(connection: Connection, schema: Schema) -> None:
    """Run what is missing in the transaction of `connection`."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # tells of its plugins otherwise
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(schema.folder))

    def missing(revision: object, _: object) -> object:
        return scripts._upgrade_revs("head", revision)  # pyright: ignore  # as alembic.command does

    table = schema.version_table
    with EnvironmentContext(Config(), scripts, fn=missing) as environment:
        environment.configure(connection=connection, version_table=table)
        environment.run_migrations()
    if "oldest_code" not in {each["name"] for each in inspect(connection).get_columns(table)}:
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN oldest_code VARCHAR(32)"))
    oldest_code = scripts.get_revision("head").module.oldest_code
    connection.execute(text(f"UPDATE {table} SET oldest_code = :code"), {"code": oldest_code})
