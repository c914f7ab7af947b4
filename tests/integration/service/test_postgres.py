"""Connections to PostgreSQL, and to a pooler in transaction mode before it."""

import asyncio
import signal
from contextlib import nullcontext
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from databases import Databases, migrate
from milepost_service.database import Database
from milepost_service.engines import engine
from milepost_service.outages import is_outage, reason
from milepost_service.postgres import ANSWER_SECONDS, Bounded
from pgbouncer_server import CONNECTIONS, PgBouncer
from postgres_server import Postgres


async def several(database: Database) -> None:
    """Use several connections at once."""

    async def one() -> None:
        async with database.read() as connection:
            await connection.execute(text("SELECT pg_sleep(0.05)"))

    await asyncio.gather(*(one() for _ in range(5)))


async def test_nobody_notices_that_the_server_ended_connections_meanwhile(
    postgresql_databases: Databases,
) -> None:
    url = postgresql_databases.take()
    database = Database.open(url, "notify")
    await several(database)
    with psycopg.connect(url) as others:
        others.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    await several(database)
    await database.close()


async def test_who_is_cancelled_waits_for_no_answer(
    postgres: Postgres, postgresql_databases: Databases
) -> None:
    pooler = PgBouncer(postgres)
    pooler.start()
    database = Database.open(pooler.through(postgresql_databases.take()), "notify")
    try:
        await database.check()
        pooler.send(signal.SIGSTOP)
        asking = asyncio.create_task(database.check())
        await asyncio.wait([asking], timeout=0.2)
        asking.cancel()
        done, _ = await asyncio.wait([asking], timeout=ANSWER_SECONDS - 1)
        assert done
        assert asking.cancelled()
        pooler.send(signal.SIGCONT)
        await database.check()
        await database.close()
    finally:
        pooler.remove()


def test_only_who_is_patient_waits_for_a_statement_that_takes_long(
    postgresql_databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bounded, "answer_seconds", 0.2)
    url = postgresql_databases.take()
    for patient in (False, True):
        opened = engine(url, "write", "notify", connections=1, patient=patient)
        expected = nullcontext() if patient else pytest.raises(OperationalError, match="in time")
        with expected, opened.begin() as connection:
            connection.execute(text("SELECT pg_sleep(0.6)"))
        opened.dispose()


async def test_a_reader_cannot_write(postgresql_databases: Databases) -> None:
    database = Database.open(postgresql_databases.take(), "notify")
    with pytest.raises(Exception, match="read-only transaction"):
        async with database.read() as connection:
            await connection.execute(text("DELETE FROM notify.notify_task"))
    await database.close()


def test_migrating_through_a_pooler_leaves_nothing_in_its_connections(
    postgres: Postgres, pgbouncer: PgBouncer
) -> None:
    postgres.make_database(name := f"pooled_{uuid4().hex[:8]}")
    migrate(pgbouncer.url_of(name))
    at_once = [psycopg.connect(pgbouncer.url_of(name)) for _ in range(CONNECTIONS)]
    for connection in at_once:  # each in a transaction: each has one of the pooler's
        row = connection.execute("SHOW search_path").fetchone()
        assert row == ('"$user", public',)
        locks = connection.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'").fetchone()
        assert locks is None
    for connection in at_once:
        connection.close()


async def test_what_is_said_of_an_error_has_nobodys_data_in_it(
    postgresql_databases: Databases,
) -> None:
    database = Database.open(postgresql_databases.take(), "notify")

    async def failed(words: str) -> OperationalError | ProgrammingError:
        with pytest.raises((OperationalError, ProgrammingError)) as err:
            async with database.write() as connection:
                await connection.execute(text(words))
        return err.value

    missing = await failed("SELECT 'a secret' FROM nowhere")
    assert reason(missing) == "UndefinedTable 42P01"
    assert is_outage(missing)
    mistake = await failed("SELEC 'a secret'")
    assert reason(mistake) == "SyntaxError 42601"
    assert not is_outage(mistake)
    await database.close()
    away = Database.open("postgresql://milepost:hidden@127.0.0.1:1/nowhere")
    with pytest.raises(OperationalError) as err:
        await away.check()
    assert is_outage(err.value)
    assert "hidden" not in f"{err.value} {reason(err.value)}"
    await away.close()
