"""Notify on every kind of database: whole, and while one goes, stands still, comes back."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import databases
from cutting_proxy import CuttingProxy
from databases import EVERYWHERE, ON_BOTH, Databases, rows
from histories import OOPS, created
from milepost import events as e
from milepost.cursors import ZERO, Cursor
from milepost.settings import Settings
from milepost_notify.main import build
from milepost_notify.sql import SqlProjectionStore
from notify_surroundings import BASE, Person, Scribe, projecting, task_id
from pgbouncer_server import PgBouncer
from postgres_server import Postgres
from waiting import until

RECOVERY_SECONDS = 20
"""Promised are 5 s, on a machine that has nothing else to do; CI shares its cores."""
GONE_SECONDS = 10

RUNNING = e.TaskStarted(worker="w")


async def tell_much(log: Scribe, count: int) -> Cursor:
    """Tasks of several owners, of which every kind of row comes; the last event."""
    last = Cursor(0, b"", 0, ZERO, 0)
    for number in range(count):
        task, owner = task_id(), ("bob", "bobby", "%")[number % 3]
        await log.tell(created(f"{number} a\0b", tags=["x"]), task, owner)
        await log.tell(RUNNING, task, owner, attempt=1)
        told = e.TaskProgressed(progress=number % 100, message="\0", done=number, total=1e300)
        await log.tell(told, task, owner, attempt=1)
        end = e.TaskFailed(error=OOPS) if number % 5 == 0 else e.TaskSucceeded(result="\0")
        last = await log.tell(end, task, owner, attempt=1)
        if number % 7 == 0:
            last = await log.tell(e.TaskDismissed(), task, owner, attempt=1)
        if number % 11 == 0:
            last = await log.tell(e.InboxRead(until=str(last.id)), "", owner)
        if number % 13 == 0:
            later = {"t": "paused/3", "k": task_id(), "o": owner, "a": "1", "d": "{}"}
            last = await log.raw(owner, later)
    return last


async def reached(store: SqlProjectionStore, revision: Cursor) -> None:
    async def checkpoint() -> Any:
        return await store.checkpoint(0)

    await until(checkpoint, lambda at: at is not None and at.position >= revision.id, 30)


async def truth(settings: Settings, last: Cursor, tmp_path: Path) -> dict[str, Any]:
    """What one undisturbed projector makes of the log, in SQLite."""
    url = f"sqlite:///{tmp_path}/truth.db"
    databases.migrate(url)
    store = SqlProjectionStore(url)
    async with projecting(settings, store):
        await reached(store, last)
    await store.close()
    return rows(url)


@asynccontextmanager
async def serving(settings: Settings) -> AsyncGenerator[tuple[FastAPI, Person]]:
    """Notify with its projector, ready, and somebody who asks."""
    app = build(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=BASE) as client,
    ):
        await until(app.state.ready, lambda checks: set(checks.values()) == {"ok"})
        yield app, Person(client)


@EVERYWHERE
async def test_what_the_log_tells_is_what_people_read(
    settings: Settings, log: Scribe, tmp_path: Path
):
    async with serving(settings) as (_, bob):
        cursor = (await bob.poll())["cursor"]
        waiting = asyncio.create_task(bob.poll(cursor, wait=30))
        mine = task_id()
        await log.tell(created("mine", tags=["urgent"]), mine)
        assert [row["data"]["title"] for row in (await waiting)["notifications"]] == ["mine"]
        last = await tell_much(log, 60)
        await bob.seen(last)
        listed, before = list[Any](), ""
        while before is not None:
            page = await bob.read("/tasks", limit=7, **({"before": before} if before else {}))
            listed += page["tasks"]
            before = page["before"]
        assert len(listed) == 21
        tagged = await bob.read("/tasks", tag="urgent")
        assert [task["id"] for task in tagged["tasks"]] == [mine]
        told, _ = await bob.follow()
        ended = {row["data"]["task_id"] for row in told if row["name"] == "task_progress"}
        assert ended == {task["id"] for task in listed if not task["dismissed"]}
        history = await bob.read(f"/tasks/{listed[0]['id']}/events")
        kinds = [event["type"] for event in history["events"]]
        assert kinds[:2] == ["task.created", "task.started"]
    assert rows(settings.database_url) == await truth(settings, last, tmp_path)


@ON_BOTH
async def test_a_projector_killed_at_any_statement_neither_loses_nor_doubles_a_row(
    settings: Settings, log: Scribe, tmp_path: Path
):
    last = await tell_much(log, 40)
    script = Path(__file__).parents[2] / "kill_projector.py"
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, settings.redis_url, settings.namespace, settings.database_url,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0
    assert int(said) > 20
    assert rows(settings.database_url) == await truth(settings, last, tmp_path)


async def test_a_commit_whose_answer_was_lost_happened_once(
    settings: Settings, log: Scribe, tmp_path: Path, postgres: Postgres,
    postgresql_databases: Databases,
):  # fmt: skip
    url = postgresql_databases.take()
    last = await tell_much(log, 100)
    async with CuttingProxy(postgres.port, b"COMMIT", times=9) as proxy:
        store = SqlProjectionStore(url.replace(str(postgres.port), str(proxy.port)))
        direct = SqlProjectionStore(url)
        async with projecting(settings, store):
            await reached(direct, last)
        await store.close()
        await direct.close()
        assert proxy.left < 9
    assert rows(url) == await truth(settings, last, tmp_path)


@pytest.fixture
def own_postgres() -> Generator[Postgres]:
    """A server that may be ended."""
    server = Postgres()
    server.start()
    databases.migrate(server.url)
    yield server
    server.remove()


async def refused(bob: Person) -> None:
    """Everything that is read from the database answers 503 in time, and says nothing of it."""
    task = task_id(1)
    paths = ("/tasks", f"/tasks/{task}", f"/tasks/{task}/events", "/notifications")
    for path, answer in zip(paths, await asyncio.gather(*map(bob.get, paths)), strict=True):
        assert answer.status_code == 503, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"]
        assert answer.json()["type"] == "urn:milepost:unavailable"
        for secret in ("postgres", "psycopg", "127.0.0.1", "SELECT"):
            assert secret not in answer.text


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
async def test_when_the_database_was_gone_nothing_is_lost_and_all_goes_on(
    settings: Settings, log: Scribe, tmp_path: Path, own_postgres: Postgres, how: signal.Signals
):
    settings = settings.model_copy(update={"database_url": own_postgres.url})
    async with serving(settings) as (app, bob):
        await bob.seen(await tell_much(log, 10))
        cursor = (await bob.follow())[1]
        waiting = asyncio.create_task(bob.get("/notifications", since=cursor, wait=30))
        own_postgres.end(how)
        back = time.monotonic() + (GONE_SECONDS if how is signal.SIGINT else 0)
        last = await tell_much(log, 10)
        await refused(bob)
        checks = await until(app.state.ready, lambda checks: checks["projector"] != "ok")
        assert checks["database"] != "ok"
        assert checks["redis"] == "ok"
        while time.monotonic() < back:
            await refused(bob)
        own_postgres.start()
        came_back = time.monotonic()
        await until(app.state.ready, lambda checks: set(checks.values()) == {"ok"}, 30)
        await bob.seen(last)
        assert (await bob.follow(cursor))[0]
        assert time.monotonic() - came_back < RECOVERY_SECONDS
        assert (await waiting).status_code in (200, 503)
    assert rows(own_postgres.url) == await truth(settings, last, tmp_path)


@pytest.mark.parametrize("comes_back", [True, False], ids=["goes on", "is replaced"])
async def test_a_pooler_that_stands_still_is_not_waited_for(
    settings: Settings, log: Scribe, tmp_path: Path, postgres: Postgres,
    postgresql_databases: Databases, comes_back: bool,
):  # fmt: skip
    pooler = PgBouncer(postgres)
    pooler.start()
    direct = postgresql_databases.take()
    settings = settings.model_copy(update={"database_url": pooler.through(direct)})
    try:
        async with serving(settings) as (app, bob):
            await bob.seen(await tell_much(log, 10))
            pooler.send(signal.SIGSTOP)
            last = await tell_much(log, 10)
            async with asyncio.timeout(30):
                await refused(bob)
            checks = await until(app.state.ready, lambda checks: checks["projector"] != "ok", 30)
            assert checks["database"] != "ok"
            if comes_back:
                pooler.send(signal.SIGCONT)
            else:
                pooler.kill()
                pooler.start()
            came_back = time.monotonic()
            await until(app.state.ready, lambda checks: set(checks.values()) == {"ok"}, 30)
            await bob.seen(last)
            assert time.monotonic() - came_back < RECOVERY_SECONDS
    finally:
        pooler.remove()
    assert rows(direct) == await truth(settings, last, tmp_path)
