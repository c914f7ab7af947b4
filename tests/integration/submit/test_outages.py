"""What submit does while something it needs is away, and when that comes back."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from milepost.errors import LogUnavailable
from milepost.ids import uuid7
from milepost.keys import PartitionKeys
from milepost.settings import Settings
from milepost_log import catalogue
from milepost_log.commands import Accepted, CommandLog
from milepost_log.connection import connect
from milepost_log.server_checks import Watch
from milepost_submit.catalogue import Catalogue
from milepost_submit.main import build
from submit_surroundings import FREE, ORIGIN, Bearer, Clock, Log
from valkey_server import StartValkey, Valkey

TASKS = "/api/submit/tasks"
BODY: dict[str, Any] = {"type": "free.form", "params": {}}


@asynccontextmanager
async def running(app: FastAPI) -> AsyncGenerator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client,
    ):
        yield client


async def until(
    client: httpx.AsyncClient, holds: Callable[[httpx.Response], bool], seconds: float = 20
) -> httpx.Response:
    """Ask for readiness until it is as wanted."""
    deadline = time.monotonic() + seconds
    while True:
        answer = await client.get("/api/submit/readyz")
        if holds(answer):
            return answer
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.01)


async def test_redis_may_come_late_go_and_come_back(
    settings: Settings, clock: Clock, bearer: Bearer, durable_valkey: Valkey
) -> None:
    server = durable_valkey
    server.kill()
    app = build(settings.model_copy(update={"redis_url": server.url}), clock=clock)
    async with running(app) as client:
        answer = await client.get("/api/submit/readyz")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["checks"]["redis"] != "ok"
        assert answer.json()["checks"]["database"] == "ok"
        assert (await client.get("/api/submit/livez")).status_code == 200
        refused = await client.post(TASKS, json=BODY, headers=bearer("bob"))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["type"] == "urn:milepost:unavailable"

        server.start()
        answer = await until(client, lambda now: now.json()["checks"]["redis"] == "ok")
        assert answer.json()["checks"]["task_types"] != "ok"
        with connect(server.url) as direct:
            types = [FREE.model_copy(update={"announced_at": clock.now})]
            catalogue.announce(direct, settings.namespace, types)
        answer = await until(client, lambda now: now.status_code == 200)
        assert answer.json() == {
            "checks": {"redis": "ok", "database": "ok", "schema": "ok", "task_types": "ok"}
        }

        body = {**BODY, "id": uuid7(1, bytes(10))}
        assert (await client.post(TASKS, json=body, headers=bearer("bob"))).status_code == 201
        server.kill()
        assert (await client.post(TASKS, json=BODY, headers=bearer("bob"))).status_code == 503
        session = {"username": "bob", "password": "x" * 12}
        assert (await client.post("/api/submit/session", json=session)).status_code == 503

        server.start()
        await until(client, lambda now: now.status_code == 200)
        again = await client.post(TASKS, json=body, headers=bearer("bob"))
        assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")


async def test_a_restart_of_redis_between_two_breaths_is_not_even_noticed(
    settings: Settings, clock: Clock, bearer: Bearer, durable_valkey: Valkey
) -> None:
    server = durable_valkey
    with connect(server.url) as direct:
        types = [FREE.model_copy(update={"announced_at": clock.now})]
        catalogue.announce(direct, settings.namespace, types)
    app = build(settings.model_copy(update={"redis_url": server.url}), clock=clock)
    async with running(app) as client:
        await until(client, lambda now: now.status_code == 200)
        server.kill()
        asking = asyncio.create_task(client.post(TASKS, json=BODY, headers=bearer("bob")))
        await asyncio.sleep(0)
        await asyncio.to_thread(server.start)
        assert (await asking).status_code == 201


@pytest.mark.parametrize("maxmemory", ["0", "100mb"], ids=["no-limit", "limit"])
async def test_a_redis_that_stands_still_keeps_nobody_waiting(
    settings: Settings, clock: Clock, bearer: Bearer, start_valkey: StartValkey, maxmemory: str
) -> None:
    server = start_valkey(appendfsync="always", maxmemory=maxmemory)
    with connect(server.url) as direct:
        types = [FREE.model_copy(update={"announced_at": clock.now})]
        catalogue.announce(direct, settings.namespace, types)
    app = build(settings.model_copy(update={"redis_url": server.url}), clock=clock)
    body = {**BODY, "id": uuid7(1, bytes(10))}
    calls: list[tuple[str, dict[str, Any] | None]] = [
        (TASKS, body),
        (TASKS, {"type": "never.announced", "params": {}}),
        (f"{TASKS}/{body['id']}/cancel", None),
        ("/api/submit/session", {"username": "bob", "password": "x" * 12}),
    ]
    async with running(app) as client:
        await until(client, lambda now: now.status_code == 200)

        async def call(path: str, sent: dict[str, Any] | None) -> tuple[httpx.Response, float]:
            began = time.monotonic()
            answer = await client.post(path, json=sent, headers=bearer("bob"))
            return answer, time.monotonic() - began

        server.freeze()
        try:
            for path, sent in calls:
                answer, seconds = await call(path, sent)
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "1"), path
                assert answer.json()["type"] == "urn:milepost:unavailable"
                assert seconds < 5, path  # two, and a busy machine
            together = await asyncio.gather(*(call(TASKS, BODY) for _ in range(20)))
            assert {answer.status_code for answer, _ in together} == {503}
            assert max(seconds for _, seconds in together) < 5
        finally:
            server.thaw()
        await until(client, lambda now: now.status_code == 200)
        again = await client.post(TASKS, json=body, headers=bearer("bob"))
        assert again.status_code in (200, 201)  # what it was sent, it may have done
        once_more = await client.post(TASKS, json=body, headers=bearer("bob"))
        assert (once_more.status_code, once_more.json()) == (200, again.json())


async def test_a_log_of_another_number_of_partitions_takes_no_task(
    settings: Settings,
    clock: Clock,
    bearer: Bearer,
    client: httpx.AsyncClient,
    log: Log,
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = build(settings.model_copy(update={"partitions": 2}), clock=clock)
    async with running(other) as refused:
        answer = await until(
            refused, lambda now: "MILEPOST_PARTITIONS" in now.json()["checks"]["redis"]
        )
        assert answer.status_code == 503
        answer = await refused.post(TASKS, json=BODY, headers=bearer("bob"))
        assert answer.status_code == 503
    assert log.events() == []
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert "MILEPOST_PARTITIONS" in errors[0].getMessage()


async def test_where_redis_came_back_empty_a_task_still_lands_in_a_log_with_a_name(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    for partition in range(3):
        log.client.unlink(PartitionKeys(log.namespace, partition).meta)
    answer = await client.post(TASKS, json=BODY, headers=bearer("bob"))
    assert answer.status_code == 201
    assert len(log.events()) == 1


async def test_without_a_database_accounts_are_unavailable_and_tasks_go_on(
    client: httpx.AsyncClient, settings: Settings, bearer: Bearer
) -> None:
    with closing(sqlite3.connect(settings.database_url.removeprefix("sqlite:///"))) as direct:
        direct.execute("ALTER TABLE submit_account RENAME TO elsewhere")
    credentials = {"username": "bob", "password": "x" * 12}
    for path in ("/api/submit/accounts", "/api/submit/session"):
        answer = await client.post(path, json=credentials)
        assert answer.status_code == 503
        assert "SELECT" not in answer.text
        assert "sqlite" not in answer.text.lower()
    assert (await client.post(TASKS, json=BODY, headers=bearer("bob"))).status_code == 201


async def test_what_nobody_expected_is_500_with_a_reference_and_logged_once(
    client: httpx.AsyncClient, bearer: Bearer, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    async def fails(_: Catalogue) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(Catalogue, "types", fails)
    answer = await client.get("/api/submit/task-types", headers=bearer("bob"))
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert errors[0].exc_info is not None
    reference = errors[0].__dict__["reference"]
    assert reference in answer.json()["detail"]


async def test_a_lost_answer_is_asked_for_again_and_appends_once(
    client: httpx.AsyncClient, bearer: Bearer, log: Log,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    create = CommandLog.create
    lost = 2

    async def forgetful(*args: Any, **kwargs: Any) -> list[Accepted]:
        nonlocal lost
        accepted = await create(*args, **kwargs)
        lost -= 1
        if lost >= 0:
            raise LogUnavailable("the answer was lost")
        return accepted

    monkeypatch.setattr(CommandLog, "create", forgetful)
    answer = await client.post(TASKS, json=BODY, headers=bearer("bob"))
    assert answer.status_code == 201
    assert "idempotent-replayed" not in answer.headers
    assert len(log.events()) == 1


async def test_it_ends_though_a_background_task_forgets_that_it_was_cancelled(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgot = asyncio.Event()

    async def deaf(*_: object) -> None:
        """As redis-py's `wait_for` before Python 3.12, when an answer comes in that moment."""
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        forgot.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(Watch, "keep_looking", deaf)
    app = build(settings, clock=clock)
    async with asyncio.timeout(10):
        async with app.router.lifespan_context(app):
            await asyncio.sleep(0)
    assert forgot.is_set()
