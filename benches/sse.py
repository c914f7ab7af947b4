"""SSE: what an idle stream costs one notify process, and what thousands cost one that moves.

Idle clients have an owner each and see nothing but heartbeats. Latency: from `create` of a task of
one more owner to its event at that owner's client, projector included.
"""

import asyncio
import re
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benches.stage.http_client import Connection, answers, bearer
from benches.stage.milepost import KEYS, Milepost, Submitter, new_task
from benches.stage.processes import Processes, until
from benches.stage.sizes import chosen
from benches.stage.store import Store, fresh_store
from benches.stage.streams import PATH, open_streams
from benches.stage.table import Row, at_most, percentile, show
from milepost_cli.valkey import free_port

OWNER = "one more"
PAUSE_SECONDS = 0.01
SETTLE_SECONDS = 0.5
SPARE_FILES = 200
SECONDS = 60.0
UNCHANGED = at_most(1.5)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    clients: tuple[int, ...]
    samples: int


SHORT = Sizes(clients=(10, 2000), samples=20)
FULL = Sizes(clients=(10, 2000, 10_000), samples=200)


def main() -> None:
    """Measure with more and more clients and print the table."""
    sizes, rounds = chosen(SHORT, FULL)
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    if most_files < max(sizes.clients) + SPARE_FILES:
        sys.exit(f"{max(sizes.clients)} clients need more open files than {most_files} (ulimit -n)")
    took, kib, version = dict[int, list[list[float]]](), dict[int, list[float]](), ""
    for _ in range(rounds):
        with fresh_store() as store, Processes() as processes:
            version = store.version()
            for count, weight, waits in _round(store, processes, sizes):
                kib.setdefault(count, []).append(weight)
                took.setdefault(count, []).append(waits)
    least = min(took)
    rows = [
        Row(f"KiB for each of {count:,} idle clients", values, (), at_most(40))
        for count, values in kib.items()
        if count > least
    ]
    for count, by_round in took.items():
        for percent in (50, 99):
            what = f"one more client's event, ms, p{percent}, beside {count:,} idle"
            figures = [percentile(waits, percent) for waits in by_round]
            peer = [percentile(waits, percent) for waits in took[least]]
            is_more = count > least
            rows.append(Row(what, figures, peer if is_more else (), UNCHANGED if is_more else None))
    show(rows, version)


def _round(
    store: Store, processes: Processes, sizes: Sizes
) -> Iterator[tuple[int, float, list[float]]]:
    """With ever more clients: how many, KiB for each, and what one more waits."""
    milepost = Milepost(store, processes)
    milepost.migrate()
    milepost.start("projector")
    port, open_already = free_port(), 0
    notify = milepost.start("notify", "--port", str(port))
    answers(port, "/api/notify/livez")
    asyncio.run(first_task(milepost))
    asyncio.run(latencies(store, port, sizes.samples))  # warm
    before = resident_kib(notify.pid)
    for count in sizes.clients:
        open_streams(processes, store.folder, port, open_already, count - open_already)
        open_already = count
        time.sleep(SETTLE_SECONDS)
        weight = (resident_kib(notify.pid) - before) / count
        yield count, weight, asyncio.run(latencies(store, port, sizes.samples))


async def first_task(milepost: Milepost) -> None:
    """Begin the partition: without a checkpoint there is nothing to stream."""
    async with Submitter(milepost.store) as submitter:
        await submitter.create(OWNER, [new_task()])
    until(lambda: milepost.projected() > 0, "the projector", 20)


async def latencies(store: Store, port: int, samples: int, owner: str = OWNER) -> list[float]:
    """Milliseconds from asking for a task to its event at a waiting client of the owner's."""
    took = list[float]()
    async with (
        asyncio.timeout(SECONDS),
        Submitter(store) as submitter,
        Connection(port) as connection,
        Connection(port) as other,
    ):
        page = await other.get("/api/notify/notifications?limit=1000", bearer(owner))
        events = connection.events(f"{PATH}?since={page['cursor']}", bearer(owner))
        seen, waiting = dict[str, float](), asyncio.Event()

        async def watch() -> None:
            async for event in events:
                if event.get("name") == "task_progress":
                    seen.setdefault(event["data"]["task_id"], time.perf_counter())
                    waiting.set()

        watching = asyncio.create_task(watch())
        for _ in range(samples):
            task, began = new_task(), time.perf_counter()
            await submitter.create(owner, [task], max_live=10**6)
            while task.id not in seen:
                assert not watching.done(), watching
                await waiting.wait()
                waiting.clear()
            took.append(1000 * (seen[task.id] - began))
            await asyncio.sleep(PAUSE_SECONDS)
        watching.cancel()
    assert store.client.exists(KEYS.log)
    return took


def resident_kib(pid: int) -> int:
    """Memory of a process; Linux alone says."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


if __name__ == "__main__":
    main()
