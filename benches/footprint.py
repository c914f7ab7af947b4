"""Footprint: what `up` with one worker holds and uses while nobody asks, and when it is ready.

Warm: in a folder in which it has been before. And what an idle worker of 16 partitions asks Redis;
what its scripts call inside the server is no command of its own.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benches.stage import processor
from benches.stage.embedded import Embedded
from benches.stage.milepost import Milepost
from benches.stage.processes import Processes
from benches.stage.resident import mib
from benches.stage.sizes import chosen
from benches.stage.store import Store, fresh_store
from benches.stage.table import Row, Target, at_most, show
from milepost_log.commands import CommandLog
from milepost_log.connection import connect_async

PARTITIONS = 16
SHARED, OWN = "resident in all, MiB: shared pages for each", "resident in all, MiB: each page once"
CORE, COMMANDS = (
    "idle, % of a core",
    f"commands a second of an idle worker, {PARTITIONS} partitions",
)
FIRST, WARM = "start, s: the first", "start, s: warm"
TARGETS = {OWN: at_most(300), CORE: at_most(2), WARM: at_most(3), COMMANDS: at_most(5)}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How long it is left alone, and then looked at."""

    settle_seconds: float
    seconds: float


SHORT, FULL = Sizes(1, 1), Sizes(10, 30)


def main() -> None:
    """Run all rounds and print medians with their range."""
    sizes, rounds = chosen(SHORT, FULL)
    taken, version = dict[str, list[float]](), ""
    for _ in range(rounds):
        for what, value in embedded(sizes):
            taken.setdefault(what, []).append(value)
        with fresh_store() as store:
            version = store.version()
            taken.setdefault(COMMANDS, []).append(commands(store, sizes))
    targets: dict[str, Target | None] = {**dict.fromkeys(taken), **TARGETS}
    show([Row(what, values, (), targets[what]) for what, values in taken.items()], version)


def embedded(sizes: Sizes) -> Iterator[tuple[str, float]]:
    """Start it twice in one folder, and leave the second alone."""
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as folder, Processes() as processes:
        for start in (FIRST, WARM):
            began = time.monotonic()
            up = Embedded(processes, Path(folder))
            yield start, time.monotonic() - began
            if start == FIRST:
                up.stop()
        time.sleep(sizes.settle_seconds)
        pids = list(up.processes().values())
        before, began = sum(map(processor.of_process, pids)), time.monotonic()
        time.sleep(sizes.seconds)
        used = sum(map(processor.of_process, pids)) - before
        yield CORE, 100 * used / (time.monotonic() - began)
        resident = [mib(pid) for pid in pids]
        yield SHARED, sum(each for each, _ in resident)
        yield OWN, sum(each for _, each in resident)
        up.stop()


def commands(store: Store, sizes: Sizes) -> float:
    """How many a second a worker sends that has nothing to do."""
    with Processes() as processes:
        asyncio.run(_name_logs(store.url))
        milepost = Milepost(store, processes, partitions=str(PARTITIONS))
        milepost.workers(1, 8)
        milepost.ready()
        time.sleep(sizes.settle_seconds)
        count, began = 0, time.monotonic()
        with store.client.monitor() as monitor:
            while True:
                sent: dict[str, Any] = monitor.next_command()
                if time.monotonic() - began > sizes.seconds:
                    return count / sizes.seconds
                count += sent["client_type"] != "lua"


async def _name_logs(url: str) -> None:
    client = connect_async(url)
    await CommandLog(client, "mp", PARTITIONS).prepare()
    await client.aclose()


if __name__ == "__main__":
    main()
