"""Owns bringing a schema forwards, by Alembic revisions inside a package. Never goes backwards.

A package has `migrations/versions/0001_words.py`, `0002_...`: the number is the revision, so that
the newest is known without importing anything.
"""

from importlib.resources import files
from pathlib import Path
from zlib import crc32

from sqlalchemy import Connection, Engine, create_engine, inspect, text

from milepost_service.database import async_url, is_sqlite, prepare_sqlite


def upgrade(database_url: str, package: str, version_table: str) -> bool:
    """Bring the schema of `package` up to date; whether anything was to do.

    Blocking. Cheap when it is current: Alembic is not imported then. Processes that start together
    take turns; a schema newer than this code is left alone.

    Args:
        package: such as `milepost_submit`.
        version_table: where its revision is recorded, such as `submit_version`.
    """
    folder = Path(str(files(package))) / "migrations"
    newest = max(path.stem.partition("_")[0] for path in (folder / "versions").glob("[0-9]*.py"))
    engine = _engine(database_url)
    try:
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
            return True
    finally:
        engine.dispose()


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
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(folder))

    def missing(revision: object, _: object) -> object:
        return scripts._upgrade_revs("head", revision)  # pyright: ignore  # as alembic.command does

    with EnvironmentContext(Config(), scripts, fn=missing) as environment:
        environment.configure(connection=connection, version_table=version_table)
        environment.run_migrations()
