"""Backlog: what a task costs the server while ever more are queued, by its processor time.

Always of as many owners: a batch of tasks of several costs more than one of a single owner's, which
is not what grows here.
"""

import asyncio

from benches.stage import processor
from benches.stage.curve import Curves
from benches.stage.milepost import Submitter, new_task
from benches.stage.store import Store, fresh_store
from milepost_log.attempts import Outcome
from milepost_log.servers import open_servers
from milepost_log.work import WorkLog

TAKEN_AT_ONCE = 8
OWNERS = 20
SENT_AT_ONCE = 50
ANY = 10**9


def measure(sizes: tuple[int, ...], tasks: int, rounds: int) -> Curves:
    """Fill one queue further and further; `tasks` come and go at each size."""
    curves = Curves("backlog", "A task while others are queued", "queued", "us of the server")
    with fresh_store() as store:
        asyncio.run(_measure(store, curves, sizes, tasks, rounds))
    return curves


async def _measure(
    store: Store, curves: Curves, sizes: tuple[int, ...], tasks: int, rounds: int
) -> None:
    queued = 0
    with open_servers(store.url) as servers:
        worker = WorkLog(servers, "mp", "node.12345.0a1b2c3d", ["default"], ["bench.noop"])
        async with Submitter(store) as submitter:
            for size in sizes:
                while queued < size:
                    count = min(SENT_AT_ONCE, size - queued)
                    owner = f"owner {queued // SENT_AT_ONCE % OWNERS}"
                    await submitter.create(owner, [new_task() for _ in range(count)], ANY)
                    queued += count
                for _ in range(rounds):
                    before = processor.of_server(store.client)
                    for number in range(tasks):
                        await submitter.create(f"owner {number % OWNERS}", [new_task()], ANY)
                    between = processor.of_server(store.client)
                    _work(worker, tasks)
                    after = processor.of_server(store.client)
                    micros = processor.MICRO / tasks
                    curves.add("to submit one", size, (between - before) * micros)
                    curves.add("to take and end one", size, (after - between) * micros)


def _work(worker: WorkLog, tasks: int) -> None:
    """Take and end so many, as one worker with 8 threads does."""
    ended, outcomes = 0, list[Outcome]()
    while ended < tasks:
        room = min(TAKEN_AT_ONCE, tasks - ended)
        taken = worker.take(0, room, holding=bool(outcomes), outcomes=outcomes)
        assert len(taken.tasks) == room, taken
        outcomes = [Outcome(task, "succeeded", '{"result":null}') for task in taken.tasks]
        ended += room
    worker.finish(0, outcomes)
