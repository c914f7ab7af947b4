"""Projection: one partition's log into the read models, history included, by a projector process.

Behind: 300 tasks are alive at a time, as with a few workers. Far behind: 5,000, so that hardly two
events of a task fall into one batch. Reports: 50 tasks side by side tell of 1,000 steps each, and
most of that is thinned. From the first twentieth saved to the last; the log is there already.
"""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benches.stage.events import Event, busy_tasks, short_tasks, write
from benches.stage.milepost import Milepost
from benches.stage.processes import Processes
from benches.stage.sizes import chosen
from benches.stage.store import fresh_store
from benches.stage.table import Row, at_least, show
from milepost.cursors import StreamId
from milepost_notify.sql import SqlProjectionStore

SECONDS = 120.0
TARGETS = {"SQLite": 25_000}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    events: int
    reports: int


SHORT = Sizes(events=6000, reports=100)
FULL = Sizes(events=100_000, reports=1000)


def main() -> None:
    """Run all rounds and print medians with their range."""
    sizes, rounds = chosen(SHORT, FULL)
    logs: dict[str, Callable[[], Iterator[Event]]] = {
        "behind": lambda: short_tasks(sizes.events, 300),
        "far behind": lambda: short_tasks(sizes.events, 5000),
        "reports": lambda: busy_tasks(sizes.events, 50, sizes.reports),
    }
    taken, version = dict[str, list[float]](), ""
    for _ in range(rounds):
        for name, events in logs.items():
            with fresh_store() as store, Processes() as processes:
                version = store.version()
                ids = [StreamId.parse(entry) for entry in write(store, events())]
                milepost = Milepost(store, processes)
                milepost.migrate()
                milepost.start("projector")
                url = milepost.environment["MILEPOST_DATABASE_URL"]
                taken.setdefault(name, []).append(asyncio.run(rate(url, ids)))
    show(
        [
            Row(f"events/s, SQLite, {name}", figures, (), at_least(TARGETS["SQLite"]))
            for name, figures in taken.items()
        ],
        version,
    )


async def rate(url: str, ids: list[StreamId]) -> float:
    """Events a second."""
    store = SqlProjectionStore(url)
    try:
        async with asyncio.timeout(SECONDS):
            first, began = await reached(store, ids, len(ids) // 20)
            last, ended = await reached(store, ids, len(ids))
    finally:
        await store.close()
    return (last - first) / max(ended - began, 0.001)


async def reached(store: SqlProjectionStore, ids: list[StreamId], wanted: int) -> tuple[int, float]:
    """How many are saved, at least as many as wanted, and when."""
    while True:
        at = await store.checkpoint(0)
        saved = 0 if at is None else bisect_right(ids, at.position)
        if saved >= wanted:
            return saved, time.perf_counter()
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    main()
