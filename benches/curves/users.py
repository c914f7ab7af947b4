"""Users: what one more costs each process, and what one of them asks, by their processor time.

Each has one task, which has ended; nobody is asked twice while there are as many as are asked: of
ten each is asked ten times, whose rows are at hand by then.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from subprocess import Popen

from benches.stage import processor
from benches.stage.curve import Curves
from benches.stage.http_client import Connection, answers, bearer
from benches.stage.milepost import Milepost, Submitter, new_task
from benches.stage.processes import Processes, until
from benches.stage.resident import mib
from benches.stage.store import fresh_store
from milepost_cli.valkey import free_port
from milepost_log.attempts import Outcome
from milepost_log.servers import open_servers
from milepost_log.work import WorkLog

AT_ONCE = 100
CATCH_UP_SECONDS = 300.0
PAGE = "/api/notify/notifications"


@dataclass(frozen=True, slots=True)
class Stage:
    """What is looked at."""

    milepost: Milepost
    projector: "Popen[bytes]"
    notify: "Popen[bytes]"
    port: int

    def weights(self) -> list[float]:
        """KiB of Redis, of the projector and of notify."""
        used = self.milepost.store.client.info("memory")["used_memory"]
        return [used / 1024, *(1024 * mib(each.pid)[1] for each in (self.projector, self.notify))]


def measure(sizes: Sequence[int], asked: int) -> list[Curves]:
    """More and more users; `asked` of them at a time are looked at."""
    costs = Curves("users", "What one of many users costs", "users", "us of processor time")
    weight = Curves("weight", "Memory for each user", "users", "KiB")
    with fresh_store() as store, Processes() as processes:
        milepost, port = Milepost(store, processes), free_port()
        milepost.migrate()
        projector = milepost.start("projector")
        notify = milepost.start("notify", "--port", str(port))
        answers(port, "/api/notify/livez")
        stage = Stage(milepost, projector, notify, port)
        come(stage, 0, 1)
        empty, came = stage.weights(), 1
        for size in sizes:
            come(stage, came, size)
            came = size
            names = [f"user {number * size // asked}" for number in range(asked)]
            micros = asyncio.run(ask(stage, names))
            for cost, value in zip(("a page of all", "a poll without news"), micros, strict=True):
                costs.add(cost, size, value)
            for cost, value in again(stage, names):
                costs.add(cost, size, value)
            more = zip(("Redis", "projector", "notify"), stage.weights(), empty, strict=True)
            for what, now, before in more:
                weight.add(what, size, max(0.0, now - before) / size)
    return [costs, weight]


def come(stage: Stage, first: int, last: int, names: Sequence[str] = ()) -> int:
    """Let users come who have a task each, which ends; how many."""
    owners = names or [f"user {number}" for number in range(first, last)]
    asyncio.run(_come(stage, owners))
    until(stage.milepost.caught_up, "the projector", CATCH_UP_SECONDS)
    return len(owners)


def again(stage: Stage, names: Sequence[str]) -> list[tuple[str, float]]:
    """Microseconds of a whole task in Redis, and of an event in the projector."""
    client, pid = stage.milepost.store.client, stage.projector.pid
    before = processor.of_server(client), processor.of_process(pid)
    tasks = come(stage, 0, 0, names)
    served = processor.of_server(client) - before[0]
    projected = processor.of_process(pid) - before[1]
    micros = processor.MICRO / tasks
    return [("a task in Redis", served * micros), ("an event projected", projected * micros / 3)]


async def _come(stage: Stage, owners: Sequence[str]) -> None:
    store = stage.milepost.store
    async with Submitter(store) as submitter:
        with open_servers(store.url) as servers:
            worker = WorkLog(servers, "mp", "node.12345.0a1b2c3d", ["default"], ["bench.noop"])
            outcomes = list[Outcome]()
            for first in range(0, len(owners), AT_ONCE):
                some = owners[first : first + AT_ONCE]
                for owner in some:
                    await submitter.create(owner, [new_task()])
                taken = worker.take(0, AT_ONCE, holding=bool(outcomes), outcomes=outcomes).tasks
                assert len(taken) == len(some), taken
                outcomes = [Outcome(task, "succeeded", '{"result":null}') for task in taken]
            worker.finish(0, outcomes)


async def ask(stage: Stage, names: Sequence[str]) -> list[float]:
    """Microseconds of notify for a first page, and for a poll that finds nothing."""
    headers, cursors = {name: bearer(name) for name in names}, list[str]()
    async with Connection(stage.port) as connection:

        async def pages() -> None:
            for name in names:
                page = await connection.get(PAGE, headers[name])
                assert page["notifications"], name
                cursors.append(page["cursor"])

        async def polls() -> None:
            for name, cursor in zip(names, cursors, strict=True):
                await connection.get(f"{PAGE}?since={cursor}", headers[name])

        micros = list[float]()
        for work in (pages, polls):
            before = processor.of_process(stage.notify.pid)
            await work()
            used = processor.of_process(stage.notify.pid) - before
            micros.append(processor.MICRO * used / len(names))
        return micros
