"""Projection: one partition's log into SQLite, history included, by one projector process.

Three events a task (created, started, succeeded) of 100 owners. Behind: 300 tasks are alive at a
time, as with a few workers. Far behind: 5,000, so that hardly two events of a task fall into one
batch. From the first event saved to the last, with the log already there; ratio to the target of
25,000 events a second.
"""

import asyncio
import tempfile
import time
from collections import deque
from pathlib import Path
from statistics import median
from typing import Any

import redis.asyncio
import uvloop
from _table import Row, show

from milepost.cursors import StreamId
from milepost.ids import uuid7
from milepost.keys import PartitionKeys
from milepost.settings import Settings
from milepost_log.connection import connect_async
from milepost_log.server_checks import Watch
from milepost_notify.main import migrate, projecting
from milepost_notify.sql import SqlProjectionStore
from valkey_server import Valkey

EVENTS = 60_000
OWNERS = 100
ROUNDS = 3
TARGET = 25_000
SECONDS = 120
NAMESPACE = "bench"
CREATED = (
    '{"task_type":"demo.steps","title":"A demonstration","queue":"default",'
    '"params":{"steps":10,"seconds":1}}'
)


def main() -> None:
    """Run all rounds and print medians with their range."""
    rows = list[Row]()
    for name, alive in (("behind", 300), ("far behind", 5000)):
        figures = [uvloop.run(asyncio.wait_for(once(alive), SECONDS)) for _ in range(ROUNDS)]
        rows.append(Row(f"events/s, {name}", figures, median(figures) / TARGET))
    show("projection, one partition, SQLite", rows)


async def once(alive: int) -> float:
    """Events a second."""
    with tempfile.TemporaryDirectory() as folder:
        server = Valkey(Path(folder))
        server.start()
        settings = Settings.load(
            redis_url=server.url,
            namespace=NAMESPACE,
            partitions=1,
            database_url=f"sqlite:///{folder}/notify.db",
        )
        client = connect_async(server.url)
        store = SqlProjectionStore(settings.database_url)
        try:
            last = await fill(client, alive)
            migrate(settings)
            async with projecting(settings, Watch(settings.durability)):
                began = await reached(store, StreamId(0, 1))
                return EVENTS / (await reached(store, last) - began)
        finally:
            await store.close()
            await client.aclose()
            server.stop()


async def reached(store: SqlProjectionStore, position: StreamId) -> float:
    """When the checkpoint is there."""
    while True:
        at = await store.checkpoint(0)
        if at is not None and at.position >= position:
            return time.perf_counter()
        await asyncio.sleep(0.05)


async def fill(client: redis.asyncio.Redis, alive: int) -> StreamId:
    """Write the log; the last event."""
    keys = PartitionKeys(NAMESPACE, 0)
    pipe: Any = client.pipeline(transaction=False)
    pipe.hset(keys.meta, "log_id", "ab" * 16)
    running, told = deque[tuple[str, str]](), 0

    def tell(kind: str, task: str, owner: str, attempt: int, data: str) -> None:
        nonlocal told
        fields = {"t": kind, "k": task, "o": owner, "a": attempt, "d": data}
        pipe.xadd(keys.log, fields)
        told += 1

    answers: list[Any] = []
    while told < EVENTS:
        task, owner = uuid7(1_800_000_000_000 + told, told.to_bytes(10)), f"user {told % OWNERS}"
        tell("created", task, owner, 0, CREATED)
        running.append((task, owner))
        if len(running) > alive:
            task, owner = running.popleft()
            tell("started", task, owner, 1, '{"worker":"host-1234-abcdef"}')
            tell("succeeded", task, owner, 1, '{"result":{"count":3}}')
        if told % 1000 < 3:
            answers = await pipe.execute()
    answers = await pipe.execute() or answers
    return StreamId.parse(answers[-1])


if __name__ == "__main__":
    main()
