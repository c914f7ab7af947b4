"""Milepost: full history (created, started, succeeded) and a projector at work beside the workers.

The tasks are of as many owners as may have 1,000 each.
"""

import asyncio
import time
from dataclasses import dataclass

from benches.contenders.drained import DRAIN_SECONDS, Figures, Sizes, drain
from benches.stage.cores import apart
from benches.stage.milepost import KEYS, MAX_LIVE, Milepost, Submitter, new_task
from benches.stage.processes import Processes, until
from benches.stage.store import Store
from milepost.cursors import StreamId
from milepost_log.connection import connect_async
from milepost_log.reader import LogReader

WARM_UP = 10


@dataclass(frozen=True, slots=True)
class Ours:
    """Worker processes and their threads."""

    workers: int
    threads: int = 8

    def measure(self, store: Store, processes: Processes, sizes: Sizes, figures: Figures) -> None:
        """Fill, drain, send one by one."""
        milepost = Milepost(store, processes)
        milepost.migrate()
        owners = [f"owner {number}" for number in range(-(-sizes.tasks // MAX_LIVE))]
        with apart(store):
            single, bulk = asyncio.run(_fill(store, owners, sizes))
        figures.single.append(single)
        figures.bulk.append(bulk)
        milepost.start("projector")
        milepost.workers(self.workers, self.threads)
        rate, ended = drain(sizes.tasks, lambda: milepost.live(owners))
        figures.drained.append(rate)
        until(lambda: milepost.projected() >= 3 * sizes.tasks, "the projector", DRAIN_SECONDS)
        lag = time.monotonic() - ended
        figures.lag_seconds.append(lag)
        figures.shown.append(1 / (1 / rate + lag / (0.9 * sizes.tasks)))
        assert store.client.xlen(KEYS.log) >= 3 * sizes.tasks, "not its whole history"
        figures.idle_ms.append(asyncio.run(_one_by_one(store, sizes.idle)))


async def _fill(store: Store, owners: list[str], sizes: Sizes) -> tuple[float, float]:
    """Tasks a second, one by one and in batches of up to 1,000."""
    async with Submitter(store) as submitter:
        began = time.perf_counter()
        for number in range(sizes.single):
            await submitter.create(owners[number // MAX_LIVE], [new_task()])
        single = sizes.single / (time.perf_counter() - began)
        left = dict.fromkeys(owners, 0)
        for number in range(sizes.single, sizes.tasks):
            left[owners[number // MAX_LIVE]] += 1
        began = time.perf_counter()
        for owner, count in left.items():
            if count:
                await submitter.create(owner, [new_task() for _ in range(count)])
        return single, sum(left.values()) / (time.perf_counter() - began)


async def _one_by_one(store: Store, count: int) -> list[float]:
    """Milliseconds from asking to the terminal event in another's hands."""
    client = connect_async(store.url)
    reader, took = LogReader(client, "mp", 0), list[float]()
    position = StreamId.parse(store.client.xinfo_stream(KEYS.log)["last-generated-id"])
    async with Submitter(store) as submitter, asyncio.timeout(DRAIN_SECONDS):
        for _ in range(count + WARM_UP):
            began, done = time.perf_counter(), False
            await submitter.create("idle", [new_task()])
            while not done:
                for entry in await reader.read(position, count=10, block_ms=1000):
                    position = StreamId.parse(entry.id)
                    done = done or entry.fields[b"t"] == b"succeeded"
            took.append(1000 * (time.perf_counter() - began))
    await client.aclose()
    return took[WARM_UP:]
