"""Projection: one partition's log into the read models, history included, by a projector process.

Behind: 300 tasks are alive at a time, as with a few workers. Far behind: 5,000, so that hardly two
events of a task fall into one batch. Reports: 50 tasks side by side tell of 1,000 steps each, and
most of that is thinned. From the first twentieth saved to the last; the log is there already.
"""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benches.stage import versions
from benches.stage.databases import POSTGRESQL, SQLITE, database
from benches.stage.events import Event, busy_tasks, short_tasks, write
from benches.stage.milepost import Milepost
from benches.stage.processes import Processes
from benches.stage.sizes import chosen
from benches.stage.store import fresh_store
from benches.stage.table import Row, at_least, at_most, show
from milepost.cursors import StreamId
from milepost_notify.sql import SqlProjectionStore

SECONDS = 120.0
TARGETS = {SQLITE: 25_000, POSTGRESQL: 15_000}
MOST_PROGRESS_ROWS = 200


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    events: int
    reports: int
    long: int
    """Reports of the one task whose history is to stay bounded."""


SHORT = Sizes(events=3000, reports=100, long=1000)
FULL = Sizes(events=100_000, reports=1000, long=10_000)


@dataclass
class Bench:
    """Figures by what was measured."""

    taken: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    version: str = ""

    def project(self, name: str, kind: str, events: Callable[[], Iterator[Event]]) -> None:
        """Add the rate of one log into one kind of database."""
        with (
            fresh_store() as store,
            database(kind, store.folder) as url,
            Processes() as processes,
        ):
            self.version = store.version()
            ids = [StreamId.parse(entry) for entry in write(store, events())]
            milepost = Milepost(store, processes, database_url=url)
            milepost.migrate()
            milepost.start("projector")
            self.taken.setdefault(f"{kind}, {name}", []).append(asyncio.run(rate(url, ids)))

    def bound(self, reports: int) -> Row:
        """How many rows of progress the history keeps of one task."""
        with fresh_store() as store, Processes() as processes:
            ids = [StreamId.parse(entry) for entry in write(store, busy_tasks(1, 1, reports))]
            milepost = Milepost(store, processes)
            milepost.migrate()
            milepost.start("projector")
            asyncio.run(rate(milepost.environment["MILEPOST_DATABASE_URL"], ids))
            kept = milepost.projected() - 3  # created, started, succeeded
        what = f"rows of progress kept of one task's {reports:,} reports"
        return Row(what, [kept], (), at_most(MOST_PROGRESS_ROWS))


def main() -> None:
    """Run all rounds and print medians with their range."""
    sizes, rounds = chosen(SHORT, FULL)
    logs: dict[str, Callable[[], Iterator[Event]]] = {
        "behind": lambda: short_tasks(sizes.events, 300),
        "far behind": lambda: short_tasks(sizes.events, 5000),
        "reports": lambda: busy_tasks(sizes.events, 50, sizes.reports),
    }
    if sizes is SHORT:
        del logs["behind"], logs["far behind"]
    bench = Bench()
    for _ in range(rounds):
        for name, events in logs.items():
            for kind in TARGETS:
                bench.project(name, kind, events)
    rows = [
        Row(f"events/s, {name}", figures, (), at_least(TARGETS[name.partition(",")[0]]))
        for name, figures in sorted(bench.taken.items(), reverse=True)
    ]
    said = bench.version, versions.sqlite(), versions.postgresql()
    show([*rows, bench.bound(sizes.long)], *said)


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
