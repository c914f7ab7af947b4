"""Notify says what is wrong with its Redis, and keeps the log within its share of the memory."""

from typing import Any

from milepost import events as e
from milepost.keys import PartitionKeys
from milepost.settings import Settings
from milepost_log.connection import connect_async
from milepost_notify.main import build
from notify_surroundings import Scribe, task_id
from valkey_server import StartValkey
from waiting import until

MAXMEMORY = 8 * 1024 * 1024


async def test_a_server_that_would_lose_tasks_is_not_ready_and_says_why(
    settings: Settings, log: Scribe
) -> None:
    app = build(settings.model_copy(update={"durability": "fsync"}))
    async with app.router.lifespan_context(app):
        await until(app.state.ready, lambda checks: "appendonly" in checks["redis"])


async def test_where_memory_is_limited_logs_have_a_quarter_of_it(
    settings: Settings, start_valkey: StartValkey
) -> None:
    server = start_valkey(maxmemory="8mb")
    changed = settings.model_copy(update={"redis_url": server.url})
    app = build(changed)
    created = e.TaskCreated(task_type="a.b", title="T", queue="q", params={"x": "x" * 10_000})
    async with connect_async(server.url) as client, app.router.lifespan_context(app):
        scribe = Scribe(client, changed)
        await scribe.name_logs()
        for _ in range(300):
            await scribe.tell(created, task_id())
        redis: Any = client

        async def size() -> int:
            return await redis.memory_usage(PartitionKeys(settings.namespace, 0).log, samples=0)

        assert await size() > MAXMEMORY // 4
        await until(size, lambda size: 0 < size <= MAXMEMORY // 4, seconds=20)
