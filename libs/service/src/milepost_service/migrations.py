"""Owns bringing a schema forwards, by Alembic revisions inside a package. Never goes backwards.

A package has `migrations/versions/0001_words.py`, `0002_...`: the number is the revision, so that
the newest is known without importing anything.
"""

import logging
import time
from importlib.resources import files
from pathlib import Path
from zlib import crc32

from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from milepost.errors import ConfigurationError
from milepost_service.database import async_url, is_sqlite, prepare_sqlite

_log = logging.getLogger(__name__)
_PATIENCE_SECONDS = 10.0


def upgrade(database_url: str, package: str, version_table: str) -> bool:
    """Bring the schema of `package` up to date; whether anything was to do.

    Blocking. Cheap when it is current: Alembic is not imported then. Processes that start together
    take turns; a schema newer than this code is left alone.

    Args:
        package: such as `milepost_submit`.
        version_table: where its revision is recorded, such as `submit_version`.

    Raises:
        ConfigurationError: the database cannot be opened or does not answer.
    """
    folder = Path(str(files(package))) / "migrations"
    newest = max(path.stem.partition("_")[0] for path in (folder / "versions").glob("[0-9]*.py"))
    engine = _engine(database_url)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    try:
        while True:
            try:
                return _upgrade(engine, folder, newest, version_table)
            except OperationalError as err:
                # SQLite's busy timeout does not hold while the file turns to WAL.
                if "locked" not in str(err.orig) or time.monotonic() > deadline:
                    reason = str(err.orig).partition("\n")[0]
                    raise ConfigurationError(f"MILEPOST_DATABASE_URL: {reason}") from err
                time.sleep(0.05)
    finally:
        engine.dispose()


def _upgrade(engine: Engine, folder: Path, newest: str, version_table: str) -> bool:
    with engine.connect() as connection:
        if _revision(connection, version_table) >= newest:
            return False
    with engine.begin() as connection:
        if not is_sqlite(engine.url):
            lock = text("SELECT pg_advisory_xact_lock(:key)")
            connection.execute(lock, {"key": crc32(version_table.encode())})
        if _revision(connection, version_table) >= newest:
            return False
        _run(connection, folder, version_table)
    _log.info("schema upgraded", extra={"table": version_table, "revision": newest})
    return True


def _engine(database_url: str) -> Engine:
    url = async_url(database_url)
    if not is_sqlite(url):
        return create_engine(url)
    engine = create_engine(url.set(drivername="sqlite"))
    prepare_sqlite(engine, "BEGIN IMMEDIATE")
    return engine


def _revision(connection: Connection, version_table: str) -> str:
    """The recorded revision; "" for none. The table's name is ours, not anybody's input."""
    if not inspect(connection).has_table(version_table):
        return ""
    found = connection.scalar(text(f"SELECT version_num FROM {version_table}"))
    return found or ""


def _run(connection: Connection, folder: Path, version_table: str) -> None:
    """Run what is missing in the transaction of `connection`."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # tells of its plugins otherwise
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(folder))

    def missing(revision: object, _: object) -> object:
        return scripts._upgrade_revs("head", revision)  # pyright: ignore  # as alembic.command does

    with EnvironmentContext(Config(), scripts, fn=missing) as environment:
        environment.configure(connection=connection, version_table=version_table)
        environment.run_migrations()
