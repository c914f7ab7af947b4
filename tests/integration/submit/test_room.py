"""No new tasks from 85 % of Redis' memory on; the rest is for ending those that are there."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from redis.exceptions import OutOfMemoryError

from milepost.cursors import ZERO, StreamId
from milepost.errors import LogFull
from milepost.settings import Settings
from milepost_log import catalogue
from milepost_log.attempts import Outcome
from milepost_log.connection import connect, connect_async
from milepost_log.reader import LogReader
from milepost_log.server_checks import Server, Watch
from milepost_log.servers import AsyncServers
from milepost_log.work import WorkLog
from milepost_submit import room
from milepost_submit.main import build
from milepost_submit.room import Room
from submit_surroundings import FREE, ORIGIN, Bearer, Clock
from valkey_cluster import tell
from valkey_server import StartValkey, Valkey

TASKS = "/api/submit/tasks"
MAXMEMORY = 8 * 1024 * 1024


@pytest.fixture
def server(start_valkey: StartValkey) -> Valkey:
    return start_valkey(maxmemory="8mb")


@asynccontextmanager
async def serving(settings: Settings, clock: Clock) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of submit, once that is ready."""
    app = build(settings, clock=clock)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client,
    ):
        async with asyncio.timeout(10):
            while (await client.get("/api/submit/readyz")).status_code != 200:  # noqa: ASYNC110  # nothing to wait on
                await asyncio.sleep(0.01)
        yield client


async def test_filled_until_503_then_worked_off_then_room_again(
    server: Valkey, settings: Settings, clock: Clock, bearer: Bearer, namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(room, "FRESH_SECONDS", 0.0)
    changed = {"redis_url": server.url, "partitions": 1, "max_live_tasks": 100_000}
    direct: Any
    with connect(server.url) as direct:
        catalogue.announce(direct, namespace, [FREE.model_copy(update={"announced_at": clock.now})])
        async with serving(settings.model_copy(update=changed), clock) as client:
            body: dict[str, Any] = {"type": FREE.name, "params": {"text": "x" * 10_000}}

            async def submit() -> httpx.Response:
                return await client.post(TASKS, json=body, headers=bearer("bob"))

            accepted: list[str] = []
            while (answer := await submit()).status_code == 201:
                accepted.append(answer.json()["id"])
            assert answer.status_code == 503
            assert answer.json()["type"] == "urn:milepost:no-room"
            assert answer.headers["retry-after"] == "5"
            used = direct.info("memory")["used_memory"]
            assert 0.80 * MAXMEMORY < used < 0.93 * MAXMEMORY, "there is room to end them"
            batch = await client.post(
                f"{TASKS}/batch", json={"tasks": [body]}, headers=bearer("al")
            )
            assert batch.status_code == 503
            assert (await client.get("/api/submit/readyz")).status_code == 200
            gone = accepted.pop()
            cancelled = await client.post(f"{TASKS}/{gone}/cancel", headers=bearer("bob"))
            assert cancelled.status_code == 202

            work = WorkLog(direct, namespace, "w1", [FREE.queue])
            ended: list[str] = []
            while taken := work.take(0, 50, holding=False).tasks:
                work.finish(0, [Outcome(task, "succeeded", "{}") for task in taken])
                ended += [task.id for task in taken]
            assert sorted(ended) == sorted(accepted)
            await trim_as_notify_does(server.url, namespace)
            assert (await submit()).status_code == 201


async def test_at_the_very_end_of_memory_people_sign_in_and_put_away_what_has_ended(
    server: Valkey, settings: Settings, clock: Clock, bearer: Bearer, namespace: str
) -> None:
    changed = {"redis_url": server.url, "partitions": 1}
    direct: Any
    with connect(server.url) as direct:
        catalogue.announce(direct, namespace, [FREE.model_copy(update={"announced_at": clock.now})])
        async with serving(settings.model_copy(update=changed), clock) as client:
            ann = {"username": "ann", "password": "correct horse battery"}
            assert (await client.post("/api/submit/accounts", json=ann)).status_code == 201
            body: dict[str, Any] = {"type": FREE.name, "params": {}}
            made = (await client.post(TASKS, json=body, headers=bearer("bob"))).json()
            cancelled = await client.post(f"{TASKS}/{made['id']}/cancel", headers=bearer("bob"))
            assert cancelled.status_code == 202

            tell(server, "CONFIG", "SET", "maxmemory", "100kb")
            with pytest.raises(OutOfMemoryError):
                direct.set(f"{namespace}:x", "y")
            assert (await client.post("/api/submit/session", json=ann)).status_code == 200
            wrong = ann | {"password": "x"}
            found = [(await client.post("/api/submit/session", json=wrong)) for _ in range(11)]
            assert [answer.status_code for answer in found] == [401] * 10 + [429]
            read = await client.post(
                "/api/submit/inbox/read", json={"until": made["revision"]}, headers=bearer("bob")
            )
            assert read.status_code == 204
            dismissed = await client.post(f"{TASKS}/{made['id']}/dismiss", headers=bearer("bob"))
            assert dismissed.status_code == 204
            assert (await client.post(TASKS, json=body, headers=bearer("bob"))).status_code == 503


async def trim_as_notify_does(url: str, namespace: str) -> None:
    async with connect_async(url) as client:
        reader = LogReader(client, namespace, 0, keep_bytes=lambda: MAXMEMORY // 4)
        position = ZERO
        while entries := await reader.read(position, count=1000, block_ms=1):
            position = StreamId.parse(entries[-1].id)
        assert await reader.checkpoint("notify", position, keep_ms=3_600_000) > 0


class Counting(Watch):
    """A watch on a server of the test's making, that counts questions."""

    def __init__(self, used: int, most: int) -> None:
        super().__init__("memory")
        self.asked = 0
        self.used = used
        self.most = most
        self.answer()

    def answer(self) -> None:
        self.servers = {"": Server(True, "always", "noeviction", self.used, self.most)}

    async def look_async(self, servers: AsyncServers) -> None:
        self.asked += 1
        self.answer()


async def test_it_asks_at_most_once_a_second_and_not_at_all_without_a_limit() -> None:
    now = 1000.0
    client = connect_async("redis://127.0.0.1:1/0")
    limited, unlimited = Counting(84, 100), Counting(84, 0)
    room_here = Room(client, limited, str, monotonic=lambda: now)
    room_there = Room(client, unlimited, str, monotonic=lambda: now)
    for _ in range(10):
        await asyncio.gather(room_here.check("bob"), room_there.check("bob"))
    assert (limited.asked, unlimited.asked) == (1, 0)
    now, limited.used = 1000.9, 85
    await room_here.check("bob")
    now = 1001.1
    with pytest.raises(LogFull):
        await room_here.check("bob")
    assert limited.asked == 2
    now, limited.used = 1002.2, 84
    await room_here.check("bob")


async def test_redis_that_is_away_when_asked_for_room_is_the_append_s_to_find_out() -> None:
    class Away(Counting):
        async def look_async(self, servers: AsyncServers) -> None:
            await Watch.look_async(self, servers)

    await Room(connect_async("redis://127.0.0.1:1/0"), Away(10, 100), str).check("bob")


async def test_a_server_that_came_back_otherwise_is_not_ready_and_says_why(
    settings: Settings, clock: Clock, start_valkey: StartValkey, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_valkey(appendfsync="always")
    changed = {"redis_url": server.url, "durability": "fsync"}
    app = build(settings.model_copy(update=changed), clock=clock)

    async def redis_check(wanted: str) -> None:
        deadline = time.monotonic() + 10
        while wanted not in (said := (await app.state.ready())["redis"]):
            assert time.monotonic() < deadline, said
            await asyncio.sleep(0.01)

    async with app.router.lifespan_context(app):
        await redis_check("ok")
        server.kill()
        await redis_check("failed")
        start_valkey(appendfsync="everysec", port=server.port)
        await redis_check("appendfsync everysec")
    errors = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert len(errors) == 1
    assert "set appendonly yes and appendfsync always" in errors[0]
