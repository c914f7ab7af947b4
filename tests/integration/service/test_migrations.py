"""Every schema, forwards from every revision with rows in it, on SQLite and PostgreSQL."""

import re
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, func, insert, select, text
from sqlmodel import SQLModel

from databases import Databases
from milepost.errors import ConfigurationError
from milepost_notify import tables
from milepost_service.database import Database
from milepost_service.engines import engine
from milepost_service.migrations import require, upgrade
from milepost_service.schema_check import schema_check
from milepost_service.schemas import Schema
from milepost_submit import access_tokens, accounts, sessions
from postgres_server import Postgres

ALL = {"notify": (tables.SCHEMA, tables.METADATA), "submit": (accounts.SCHEMA, SQLModel.metadata)}
assert access_tokens.AccessTokenRow.metadata is sessions.SessionRow.metadata is SQLModel.metadata
KEPT = {"notify": "notify_history", "submit": "submit_account"}
"""What cannot be made again from anything."""

Empty = Callable[[], str]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Empty:
    """The URL of a database with nothing in it."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path}/empty.db"
    postgres: Postgres = request.getfixturevalue("postgres")
    name = f"empty_{abs(hash(tmp_path))}"
    return lambda: postgres.make_database(name, template="template0")


@contextmanager
def inside(url: str, schema: Schema) -> Generator[Connection]:
    """A connection for which the schema's tables need no prefix."""
    opened = engine(url, "write", schema.name, connections=1)
    try:
        with opened.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SET LOCAL search_path TO {schema.name}"))
            yield connection
    finally:
        opened.dispose()


def revisions(schema: Schema) -> list[str]:
    return sorted(path.stem[:4] for path in (schema.folder / "versions").glob("[0-9]*.py"))


def as_of(schema: Schema, revision: str, folder: Path) -> Schema:
    """The schema as code knew it whose newest revision was that one."""
    package = f"{schema.package}_{revision}"
    versions = folder / package / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / package / "__init__.py").touch()
    for path in (schema.folder / "versions").glob("[0-9]*.py"):
        if path.stem[:4] <= revision:
            (versions / path.name).write_bytes(path.read_bytes())
    return Schema(schema.name, package)


def reflected(connection: Connection, schema: Schema) -> list[Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    return [
        table
        for table in metadata.sorted_tables
        if table.name.startswith(f"{schema.name}_") and table.name != schema.version_table
    ]


def fill(connection: Connection, schema: Schema, mark: int) -> None:
    """A row in every table there is, every column of it."""
    for table in reflected(connection, schema):
        row: dict[str, Any] = {}
        for column in table.c:
            kind = column.type.python_type
            row[column.name] = f"{mark}" if kind is str else kind(mark)
        connection.execute(insert(table).values(row))


@pytest.mark.parametrize("name", ALL)
def test_a_schema_comes_forwards_from_every_revision_with_rows_in_it(
    name: str, empty: Empty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema, metadata = ALL[name]
    url = empty()
    monkeypatch.syspath_prepend(str(tmp_path))  # pyright: ignore[reportUnknownMemberType]  # untyped
    done = revisions(schema)
    for count, revision in enumerate(done, 1):
        upgraded = upgrade(url, as_of(schema, revision, tmp_path))
        assert upgraded is not None
        assert (upgraded.before, upgraded.after) == (
            done[count - 2] if count > 1 else None,
            revision,
        )
        with inside(url, schema) as connection:
            kept = {table.name: table for table in reflected(connection, schema)}[KEPT[name]]
            assert connection.scalar(select(func.count()).select_from(kept)) == count - 1
            fill(connection, schema, 10 + count)
    assert upgrade(url, schema) is None
    with inside(url, schema) as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": schema.version_table, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("name", ALL)
def test_a_revision_says_which_code_it_serves_and_takes_nothing_back(name: str) -> None:
    schema, _ = ALL[name]
    scripts = ScriptDirectory(str(schema.folder))
    found = list(reversed(list(scripts.walk_revisions())))
    assert [each.revision for each in found] == [f"{n:04}" for n in range(1, len(found) + 1)]
    oldest = [each.module.oldest_code for each in found]
    assert oldest == sorted(oldest)
    assert all(code <= each.revision for code, each in zip(oldest, found, strict=True))
    assert not any(hasattr(each.module, "downgrade") for each in found)


def test_text_compares_byte_for_byte_in_every_column(postgresql_databases: Databases) -> None:
    opened = engine(postgresql_databases.take(), "read", None, connections=1)
    with opened.connect() as connection:
        found = connection.execute(
            text(
                "SELECT table_name, column_name, collation_name FROM information_schema.columns "
                "WHERE table_schema IN ('submit', 'notify') AND data_type = 'character varying' "
                "AND table_name NOT LIKE '%version' AND collation_name IS DISTINCT FROM 'C'"
            )
        ).all()
    opened.dispose()
    assert found == []


def test_many_who_migrate_at_once_take_turns(empty: Empty) -> None:
    url = empty()
    for schema, _ in ALL.values():
        with ThreadPoolExecutor(8) as pool:
            running = [pool.submit(upgrade, url, schema) for _ in range(8)]
            done = [each.result() for each in running]
        assert sum(each is not None for each in done) == 1


def record(url: str, schema: Schema, revision: str, oldest_code: str) -> None:
    """What a later migration would have recorded."""
    with inside(url, schema) as connection:
        connection.execute(
            text(f"UPDATE {schema.version_table} SET version_num = :new, oldest_code = :code"),
            {"new": revision, "code": oldest_code},
        )


async def readiness(url: str, schema: Schema) -> str:
    database = Database.open(url, schema.name)
    try:
        await schema_check(database, schema)()
    except Exception as err:
        return str(err)
    finally:
        await database.close()
    return "ok"


async def test_code_runs_on_a_newer_schema_for_as_long_as_that_serves_it(empty: Empty) -> None:
    url, schema = empty(), accounts.SCHEMA
    with pytest.raises(
        ConfigurationError, match=r"no tables of submit yet: run `\./milepost migrate`"
    ):
        require(url, schema)
    assert "milepost migrate" in await readiness(url, schema)
    upgrade(url, schema)
    require(url, schema)
    assert await readiness(url, schema) == "ok"

    record(url, schema, "9998", schema.newest)
    require(url, schema)
    assert await readiness(url, schema) == "ok"
    assert upgrade(url, schema) is None

    record(url, schema, "9999", "9998")
    for refuses in (require, upgrade):
        with pytest.raises(ConfigurationError, match=r"serves code from 9998 on.*a newer Milepost"):
            refuses(url, schema)
    assert "a newer Milepost" in await readiness(url, schema)

    record(url, schema, "0000", "0000")
    with pytest.raises(ConfigurationError, match=r"is at 0000, this code needs .*milepost migrate"):
        require(url, schema)
    assert "milepost migrate" in await readiness(url, schema)


def test_the_command_says_what_it_did(empty: Empty) -> None:
    def migrate() -> list[str]:
        command = [sys.executable, "-m", "milepost_cli", "migrate"]
        environment = {"MILEPOST_DATABASE_URL": url}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    url = empty()
    assert [re.sub(r"\d{4}", "N", line) for line in migrate()] == [
        "submit: made, at revision N",
        "notify: made, at revision N",
    ]
    assert migrate() == ["submit: is up to date", "notify: is up to date"]


def test_a_database_that_does_not_answer_is_one_line_without_the_password() -> None:
    environment = {"MILEPOST_DATABASE_URL": "postgresql://milepost:hidden@127.0.0.1:1/nowhere"}
    command = [sys.executable, "-m", "milepost_cli", "migrate"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "MILEPOST_DATABASE_URL" in done.stderr
    assert "hidden" not in done.stderr
