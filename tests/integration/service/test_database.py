"""Engines and migrations on real SQLite files."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from milepost.errors import ConfigurationError
from milepost_service import engines
from milepost_service.database import Database
from milepost_service.engines import async_url
from milepost_service.migrations import upgrade
from milepost_service.schemas import Schema


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[Database]:
    database = Database.open(f"sqlite:///{tmp_path / 'x.db'}")
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
    yield database
    await database.close()


async def numbers(database: Database) -> list[int]:
    async with database.read() as connection:
        return list((await connection.scalars(text("SELECT n FROM t ORDER BY n"))).all())


@pytest.mark.parametrize(
    "pragma", [("journal_mode", "wal"), ("synchronous", 2), ("busy_timeout", 5000)]
)
async def test_every_connection_waits_for_locks_and_survives_a_power_cut(
    database: Database, pragma: tuple[str, object]
) -> None:
    for engine in (database.writer, database.reader):
        async with engine.connect() as connection:
            found = await connection.scalar(text(f"PRAGMA {pragma[0]}"))
            assert found == pragma[1]


async def test_many_writers_that_read_first_all_get_through(
    database: Database, tmp_path: Path
) -> None:
    other = Database.open(f"sqlite:///{tmp_path / 'x.db'}")  # as another process has it

    async def next_number(of: Database) -> None:
        async with of.write() as connection:
            last = await connection.scalar(text("SELECT coalesce(max(n), 0) FROM t"))
            await connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": (last or 0) + 1})

    await asyncio.gather(*(next_number(of) for of in (database, other) * 50))
    assert await numbers(database) == list(range(1, 101))
    await other.close()


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    async def twice() -> None:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO t VALUES (1)"))
            await connection.execute(text("INSERT INTO t VALUES (1)"))

    with pytest.raises(IntegrityError):
        await twice()
    assert await numbers(database) == []


async def test_a_reader_sees_one_moment_while_a_writer_commits(database: Database) -> None:
    query = text("SELECT count(*) FROM t")
    async with database.read() as reading:
        assert await reading.scalar(query) == 0
        async with database.write() as writing:
            await writing.execute(text("INSERT INTO t VALUES (1)"))
        assert await reading.scalar(query) == 0
    assert await numbers(database) == [1]


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(OperationalError):
        async with database.read() as connection:
            await connection.execute(text("INSERT INTO t VALUES (1)"))


async def test_parameters_do_not_stand_in_errors(database: Database) -> None:
    with pytest.raises(OperationalError) as failed:
        async with database.read() as connection:
            await connection.execute(text("SELECT :p FROM nowhere"), {"p": "a secret"})
    assert "a secret" not in str(failed.value)


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///x.db", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite"),
        ("sqlite+pysqlite:///x.db", "sqlite+aiosqlite"),
        ("postgresql://u:p@h/d", "postgresql+psycopg"),
        ("postgres://u:p@h/d", "postgresql+psycopg"),
        ("postgresql+asyncpg://u:p@h/d", "postgresql+psycopg"),
    ],
)
def test_a_url_is_completed_with_our_driver(url: str, driver: str) -> None:
    assert async_url(url).drivername == driver


@pytest.mark.parametrize("url", ["", "x.db", "mysql://h/d", "sqlite", "://", "http://h"])
def test_another_url_is_one_clear_line(url: str) -> None:
    with pytest.raises(ConfigurationError, match="MILEPOST_DATABASE_URL") as refused:
        Database.open(url)
    assert "\n" not in str(refused.value)


def test_a_missing_driver_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match="not installed"):
        Database.open("postgresql://u:secret@h/d")


X = Schema("x", "migrated_package")
FIRST = '''"""One."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, oldest_code = "0001", None, "0001"
def upgrade():
    op.create_table("one", sa.Column("n", sa.Integer, primary_key=True))
'''
SECOND = '''"""Two."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, oldest_code = "0002", "0001", "0001"
def upgrade():
    op.add_column("one", sa.Column("m", sa.Integer))
'''
BROKEN = SECOND.replace('"m", sa.Integer))', '"m", sa.Integer)); 1 / 0')


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of its own name with one revision; where its revisions are."""
    versions = tmp_path / "src" / "migrated_package" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions.parent.parent / "__init__.py").touch()
    (versions / "0001_one.py").write_text(FIRST)
    monkeypatch.syspath_prepend(str(tmp_path / "src"))  # pyright: ignore[reportUnknownMemberType]  # untyped
    monkeypatch.delitem(sys.modules, "migrated_package", raising=False)
    return versions


def columns(tmp_path: Path) -> tuple[list[str], str]:
    with closing(sqlite3.connect(tmp_path / "m.db")) as direct:
        found = [row[1] for row in direct.execute("PRAGMA table_info(one)")]
        return found, direct.execute("SELECT version_num FROM x_version").fetchone()[0]


def test_a_schema_goes_forwards_step_by_step_and_only_when_behind(
    package: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'm.db'}"
    assert upgrade(url, X)
    assert not upgrade(url, X)
    assert columns(tmp_path) == (["n"], "0001")
    (package / "0002_two.py").write_text(SECOND)
    assert upgrade(url, X)
    assert columns(tmp_path) == (["n", "m"], "0002")


def test_a_revision_that_fails_changes_nothing(package: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'm.db'}"
    upgrade(url, X)
    (package / "0002_two.py").write_text(BROKEN)
    with pytest.raises(ZeroDivisionError):
        upgrade(url, X)
    assert columns(tmp_path) == (["n"], "0001")


def test_a_schema_newer_than_the_code_is_left_alone(package: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'm.db'}"
    (package / "0002_two.py").write_text(SECOND)
    upgrade(url, X)
    (package / "0002_two.py").unlink()
    assert not upgrade(url, X)
    assert columns(tmp_path) == (["n", "m"], "0002")


@pytest.mark.usefixtures("package")
def test_processes_that_migrate_at_once_take_turns(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'm.db'}"
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(upgrade, url, X) for _ in range(8)]
        done = [upgraded.result() for upgraded in running]
    assert sorted(each is not None for each in done) == [False] * 7 + [True]


@pytest.mark.usefixtures("package")
def test_alembic_is_not_even_imported_when_there_is_nothing_to_do(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'm.db'}"
    upgrade(url, X)
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]);"
        "from milepost_service.migrations import upgrade;"
        "from milepost_service.schemas import Schema;"
        "x = Schema('x', 'migrated_package');"
        "print(upgrade(sys.argv[1], x), 'alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", code, url, str(tmp_path / "src")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "False"]


@pytest.mark.parametrize("name", ["x.db", "50%? #x.db"])
def test_who_only_looks_makes_no_file_and_changes_none(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    url = f"sqlite:///{str(file).replace('%', '%25').replace('?', '%3F')}"
    looker = engines.engine(url, "look", None, connections=1)
    try:
        with pytest.raises(OperationalError), looker.connect() as connection:
            connection.execute(text("SELECT 1"))
        assert not file.exists()
        with closing(sqlite3.connect(file)) as made:
            made.execute("CREATE TABLE t (n INTEGER)")
        with looker.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM t")).scalar() == 0
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
            with pytest.raises(OperationalError):
                connection.execute(text("INSERT INTO t VALUES (1)"))
    finally:
        looker.dispose()
