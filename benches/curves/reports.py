"""Reports: what one task's ever more progress calls cost and leave, within the same seconds."""

import asyncio
import json
from collections.abc import Sequence

from benches.stage.curve import Curves
from benches.stage.milepost import KEYS, Milepost, Submitter, new_task
from benches.stage.processes import Processes, until
from benches.stage.resident import mib
from benches.stage.store import Store, fresh_store

END_SECONDS = 120.0
OWNER = "owner"


def measure(sizes: Sequence[int], seconds: float) -> list[Curves]:
    """One task for each size, one after the other, which all take `seconds`."""
    costs = Curves("reports", "One progress call", "calls of a task", "us of the task's thread")
    left = Curves("told", "What a task's calls leave", "calls of a task", "events, rows")
    weight = Curves("told-weight", "What a task's calls weigh", "calls of a task", "KiB")
    with fresh_store() as store, Processes() as processes:
        milepost = Milepost(store, processes)
        milepost.migrate()
        milepost.start("projector")
        worker = milepost.start("worker", "--threads", "1")
        milepost.ready()
        run(milepost, 1000, 1.0)
        for size in sizes:
            before = [*entries(store), milepost.projected(), 1024 * mib(worker.pid)[1]]
            costs.add("progress.report", size, run(milepost, size, seconds))
            after = [*entries(store), milepost.projected(), 1024 * mib(worker.pid)[1]]
            events, log, rows, memory = (b - a for a, b in zip(before, after, strict=True))
            left.add("events in the log", size, events)
            left.add("rows in SQL", size, rows)
            weight.add("the log", size, log)
            weight.add("the worker", size, max(0.0, memory))
    return [costs, left, weight]


def run(milepost: Milepost, calls: int, seconds: float) -> float:
    """Run a task to its end and into the read models; what it says."""
    asyncio.run(_submit(milepost.store, calls, seconds))
    until(lambda: milepost.live([OWNER]) == 0, "the task", END_SECONDS)
    until(milepost.caught_up, "the projector", END_SECONDS)
    return float(json.loads(milepost.results()[-1][b"d"])["result"])


async def _submit(store: Store, calls: int, seconds: float) -> None:
    async with Submitter(store) as submitter:
        await submitter.create(OWNER, [new_task("bench.calls", count=calls, seconds=seconds)])


def entries(store: Store) -> tuple[int, float]:
    """How many the log has, and their KiB."""
    bytes_used = store.client.memory_usage(KEYS.log, samples=0)
    return store.client.xlen(KEYS.log), bytes_used / 1024
