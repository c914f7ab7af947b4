"""Several projectors at once: they share the partitions, and take over from each other."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from histories import created
from milepost import keys
from milepost.owners import partition_of
from milepost.settings import Settings
from milepost_log.connection import connect_async
from milepost_log.server_checks import Watch
from milepost_notify.main import build
from milepost_notify.projecting import projecting
from milepost_notify.replicas import Sign
from milepost_notify.sql import SqlProjectionStore
from milepost_notify.supervisor import Supervised
from notify_surroundings import Scribe, lines, task_id
from waiting import until

PARTITIONS = 4
OWNERS = {partition_of(f"owner {number}", PARTITIONS): f"owner {number}" for number in range(50)}
"""One for each partition."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"partitions": PARTITIONS})


@pytest.fixture
async def store(settings: Settings) -> AsyncGenerator[SqlProjectionStore]:
    store = SqlProjectionStore(settings.database_url)
    yield store
    await store.close()


@asynccontextmanager
async def replica(settings: Settings) -> AsyncGenerator[list[Supervised]]:
    async with projecting(settings, Watch(settings.durability)) as supervised:
        yield supervised


async def shares(*replicas: list[Supervised]) -> list[set[int]]:
    return [
        {each.partition for each in one if each.ours and each.state == "ok"} for one in replicas
    ]


def is_shared(found: list[set[int]]) -> bool:
    """Every partition is projected by one, and all project as many."""
    numbers = sorted(number for share in found for number in share)
    sizes = [len(share) for share in found]
    return numbers == list(range(PARTITIONS)) and max(sizes) - min(sizes) <= 1


async def all_project(log: Scribe, store: SqlProjectionStore, title: str) -> None:
    """Something new in every partition is projected."""
    for partition, owner in OWNERS.items():
        revision = await log.tell(created(title), task_id(), owner)

        async def reached(partition: int = partition) -> object:
            return await store.checkpoint(partition)

        await until(reached, lambda at, id=revision.id: at is not None and at.position >= id, 20)  # pyright: ignore


async def test_they_share_the_partitions_and_share_anew_when_one_comes_or_goes(
    settings: Settings, log: Scribe, store: SqlProjectionStore, caplog: pytest.LogCaptureFixture
):
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(replica(settings))
        await until(partial(shares, first), is_shared)
        await all_project(log, store, "alone")
        async with replica(settings) as second:
            await until(partial(shares, first, second), is_shared)
            await all_project(log, store, "two")
            async with replica(settings) as third:
                await until(partial(shares, first, second, third), is_shared)
                await all_project(log, store, "three")
            await until(partial(shares, first, second), is_shared)
        await until(partial(shares, first), is_shared)
        await all_project(log, store, "alone again")
    assert lines(caplog) == []


async def test_who_yields_a_partition_is_well(settings: Settings, log: Scribe):
    async with replica(settings) as first, replica(settings) as second:
        await until(partial(shares, first, second), is_shared)
        assert {each.state for each in [*first, *second]} <= {"ok", "starting"}


async def test_what_is_no_sign_of_a_replica_changes_nothing(
    settings: Settings, log: Scribe, store: SqlProjectionStore, caplog: pytest.LogCaptureFixture
):
    async with replica(settings) as first:
        await until(partial(shares, first), is_shared)
        client = connect_async(settings.redis_url)
        await client.publish(keys.projectors(settings.namespace), b"garbage")  # pyright: ignore  # untyped
        await client.aclose()

        async def warned() -> list[str]:
            return lines(caplog)

        await until(warned, lambda found: found == ["not a sign"])
        await all_project(log, store, "still")
        assert is_shared(await shares(first))


async def heard(settings: Settings, count: int) -> None:
    """Wait until so many replicas tell of themselves."""
    names, client = set[str](), connect_async(settings.redis_url)
    pubsub: Any = client.pubsub()  # pyright: ignore[reportUnknownMemberType]  # untyped
    await pubsub.subscribe(keys.projectors(settings.namespace))
    async with asyncio.timeout(30):
        while len(names) < count:
            message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=1)
            if message is not None:
                names.add(Sign.decode(message["data"]).name)
    await pubsub.aclose()
    await client.aclose()


@pytest.fixture
def processes(settings: Settings, tmp_path: Path) -> Generator[list["subprocess.Popen[bytes]"]]:
    """Two `milepost projector`, ended afterwards."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MILEPOST_")} | {
        "MILEPOST_REDIS_URL": settings.redis_url,
        "MILEPOST_NAMESPACE": settings.namespace,
        "MILEPOST_PARTITIONS": str(PARTITIONS),
        "MILEPOST_DATABASE_URL": settings.database_url,
        "MILEPOST_DURABILITY": "memory",
    }
    started = [
        subprocess.Popen([sys.executable, "-m", "milepost_cli", "projector"], env=environment)
        for _ in range(2)
    ]
    yield started
    for each in started:
        if each.poll() is None:
            each.send_signal(signal.SIGCONT)
            each.terminate()
        each.wait(20)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
async def test_of_two_processes_one_goes_and_the_other_takes_over(
    settings: Settings, log: Scribe, store: SqlProjectionStore,
    processes: list["subprocess.Popen[bytes]"], how: signal.Signals,
):  # fmt: skip
    """The API is a process of its own: its hub hears whoever projects."""
    app = build(settings, project=False)
    async with app.router.lifespan_context(app):
        await until(app.state.ready, lambda checks: set(checks.values()) == {"ok"}, 30)
        await heard(settings, 2)
        await all_project(log, store, "two")
        processes[0].send_signal(how)
        await all_project(log, store, "one")
        await until(app.state.ready, lambda checks: set(checks.values()) == {"ok"}, 30)
        if how == signal.SIGSTOP:
            processes[0].send_signal(signal.SIGCONT)
            await all_project(log, store, "two again")
        elif how == signal.SIGTERM:
            assert await asyncio.to_thread(processes[0].wait, 20) == 0
