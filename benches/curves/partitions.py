"""Partitions: what a task costs from its creation to the read models while there are ever more, on
one server and on a cluster of three, by the processor time of all that takes part."""

import asyncio
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benches.stage import processor
from benches.stage.curve import Curves
from benches.stage.milepost import Milepost, new_task
from benches.stage.processes import Processes, until
from benches.stage.store import Store, fresh_store
from milepost.keys import PartitionKeys
from milepost_log.commands import CommandLog
from milepost_log.connection import connect
from milepost_log.servers import open_servers, open_servers_async
from valkey_cluster import ValkeyCluster

OWNERS = 64
END_SECONDS = 120.0
PARTS = ("all of it", "the servers", "the worker", "the projector")


@dataclass(frozen=True, slots=True)
class Primaries:
    """One server, or three that are a cluster."""

    store: Store
    """Its `url` is how all of it is reached."""
    clients: Sequence[Any]
    """One for each."""

    def used(self) -> float:
        """Their processor time, in seconds."""
        return sum(map(processor.of_server, self.clients))


def measure(
    alone: Sequence[int], clustered: Sequence[int], tasks: int, rounds: int
) -> list[Curves]:
    """Run so many tasks with each number of partitions, in turn."""
    found = list[Curves]()
    for name, title, sizes, primaries in (
        ("partitions", "A task, by partitions of one server", alone, _one),
        ("cluster", "A task, by partitions of a cluster of three", clustered, _three),
    ):
        curves = Curves(name, title, "partitions", "us of processor time")
        for size in [*sizes] * rounds:
            with primaries() as some:
                for part, micros in zip(PARTS, _drained(some, size, tasks), strict=True):
                    curves.add(part, size, micros)
        found.append(curves)
    return found


@contextmanager
def _one() -> Generator[Primaries]:
    with fresh_store() as store:
        yield Primaries(store, [store.client])


@contextmanager
def _three() -> Generator[Primaries]:
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as name, ExitStack() as stack:
        cluster = ValkeyCluster(Path(name), appendfsync="everysec")
        stack.callback(cluster.stop)
        cluster.start()
        clients = [stack.enter_context(connect(node.url)) for node in cluster.nodes]
        yield Primaries(Store(cluster.url, "memory", Path(name), clients[0]), clients)


def _drained(primaries: Primaries, partitions: int, tasks: int) -> list[float]:
    """Microseconds a task, in the order of PARTS."""
    with Processes() as processes:
        milepost = Milepost(primaries.store, processes, partitions=str(partitions))
        milepost.migrate()
        asyncio.run(_create(primaries.store.url, partitions, 0))  # names the logs
        projector = milepost.start("projector")
        worker = milepost.start("worker", "--threads", "8")
        run(primaries, milepost, partitions, OWNERS)  # all are up and warm
        looks: list[Callable[[], float]] = [
            primaries.used,
            lambda: processor.of_process(worker.pid),
            lambda: processor.of_process(projector.pid),
        ]
        before = [look() for look in looks]
        run(primaries, milepost, partitions, tasks)
        used = [look() - start for look, start in zip(looks, before, strict=True)]
        return [processor.MICRO * each / tasks for each in (sum(used), *used)]


def run(primaries: Primaries, milepost: Milepost, partitions: int, tasks: int) -> None:
    """Create tasks, and wait until all have ended and are in the read models."""
    wanted = _succeeded(primaries.store.url, partitions) + tasks
    events = milepost.projected() + 3 * tasks
    asyncio.run(_create(primaries.store.url, partitions, tasks))
    url = primaries.store.url
    until(lambda: _succeeded(url, partitions) >= wanted, "the tasks", END_SECONDS, pause=0.1)
    until(lambda: milepost.projected() >= events, "the projector", END_SECONDS, pause=0.05)


async def _create(url: str, partitions: int, tasks: int) -> None:
    servers = open_servers_async(url)
    commands = CommandLog(servers, "mp", partitions)
    await commands.prepare()
    for number in range(OWNERS if tasks else 0):
        count = (number + 1) * tasks // OWNERS - number * tasks // OWNERS
        if count:
            await commands.create(
                f"owner {number}", [new_task() for _ in range(count)], max_live=10**6
            )
    await servers.aclose()


def _succeeded(url: str, partitions: int) -> int:
    """How many tasks have, in all partitions."""
    count = 0
    with open_servers(url) as servers:
        for number in range(partitions):
            key = PartitionKeys("mp", number).counts
            with servers.at(key) as client:
                found: Any = client.hget(key, "succeeded")  # pyright: ignore  # untyped
                count += int(found or 0)
    return count
