"""Fairness: how long another's single task waits while one owner has 10,000 in the queue.

Wait: from asking for the task to its function running, both on the machine's one monotonic clock.
The greedy owner's backlog is kept up while the other's tasks come one by one; beside it the same on
an idle system. The greedy one's own tasks are no-ops, or take 5 ms.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benches.contenders.dramatiq import Dramatiq
from benches.stage.milepost import Milepost, Submitter, new_task
from benches.stage.peers import Peers
from benches.stage.processes import Processes
from benches.stage.sizes import chosen
from benches.stage.store import Store, fresh_store
from benches.stage.table import Row, at_most, percentile, show
from milepost_log.commands import NewTask

GREEDY, OTHER, ANSWER = "greedy", "other", "answer"
BATCH = 50
"""Small: for a larger one the server would do nothing else for some milliseconds."""
ANSWER_SECONDS = 20
SECONDS = 90.0
NAP_SECONDS = 0.005
NAPS = {"no-ops": None, "5 ms tasks": NAP_SECONDS}
SETTLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    backlog: int
    probes: int
    alone_seconds: float
    """How long the greedy one's throughput is measured without the other."""


SHORT = Sizes(backlog=500, probes=10, alone_seconds=0.3)
FULL = Sizes(backlog=10_000, probes=200, alone_seconds=2.0)


@dataclass
class Figures:
    """What one setting came to; waits in milliseconds."""

    idle: list[float]
    busy: list[float]
    alone: float
    """Greedy tasks a second without the other."""
    beside: float
    """The same while the other's come one by one."""


def main() -> None:
    """Measure all settings and print the table."""
    sizes, rounds = chosen(SHORT, FULL)
    peers, found, waited, version = Peers(), dict[str, list[Figures]](), list[float](), ""
    settings = [(workers, name) for workers in (1, 2) for name in NAPS]
    for _ in range(rounds):
        for workers, name in settings if sizes is FULL else [(1, "5 ms tasks")]:
            with fresh_store() as store, Processes() as processes:
                version = store.version()
                milepost = Milepost(store, processes)
                milepost.migrate()
                milepost.start("projector")
                milepost.workers(workers, 8)
                milepost.ready()
                figures = asyncio.run(Probing(milepost, sizes, NAPS[name]).run())
                setting = f"{workers} worker{'s' * (workers > 1)}, {name}"
                found.setdefault(setting, []).append(figures)
        with fresh_store() as store, Processes() as processes:
            Dramatiq(peers, 1).start(store, processes)
            behind = "noop_dramatiq", "behind", sizes.backlog, NAP_SECONDS
            waited.append(peers.run(processes, store, *behind))
    rows = [row for setting, each in found.items() for row in told(each, setting)]
    rows.append(Row("dramatiq, 1 worker, the same behind 5 ms tasks, ms", waited))
    show(rows, version, *peers.versions("dramatiq"))


def told(found: Sequence[Figures], setting: str) -> list[Row]:
    """The rows of one setting, by its rounds."""
    rows = list[Row]()
    for percent in (50, 99):
        idle = [percentile(each.idle, percent) for each in found]
        busy = [percentile(each.busy, percent) for each in found]
        target = at_most(2) if percent == 99 else None
        rows.append(
            Row(f"wait, ms, p{percent}, {setting}: another's queue is full", busy, idle, target)
        )
        rows.append(Row(f"wait, ms, p{percent}, {setting}: idle system", idle))
    what = f"the greedy one's tasks/s, {setting}: beside the other's"
    rows.append(Row(what, [each.beside for each in found], [each.alone for each in found]))
    return rows


class Probing:
    """One owner's backlog, kept up, and another's single tasks."""

    def __init__(self, milepost: Milepost, sizes: Sizes, nap_seconds: float | None) -> None:
        self._milepost, self._sizes, self._nap_seconds = milepost, sizes, nap_seconds
        self._created = 0
        self._is_over = False

    async def run(self) -> Figures:
        """All of one setting."""
        async with asyncio.timeout(SECONDS), Submitter(self._milepost.store) as submitter:
            await probes(self._milepost.store, submitter, 5)
            idle = await probes(self._milepost.store, submitter, self._sizes.probes)
            await self._top_up(submitter)
            keeping = asyncio.create_task(self._keep(submitter))
            await asyncio.sleep(SETTLE_SECONDS)
            before, began = self._done(), time.perf_counter()
            await asyncio.sleep(self._sizes.alone_seconds)
            between, middle = self._done(), time.perf_counter()
            busy = await probes(self._milepost.store, submitter, self._sizes.probes)
            after, ended = self._done(), time.perf_counter()
            assert not keeping.done(), keeping
            self._is_over = True
            await keeping
            return Figures(
                idle,
                busy,
                (between - before) / (middle - began),
                (after - between) / (ended - middle),
            )

    def _done(self) -> int:
        """The greedy one's tasks that have ended."""
        return self._created - self._milepost.live([GREEDY])

    def _task(self) -> NewTask:
        if self._nap_seconds is None:
            return new_task()
        return new_task("bench.nap", seconds=self._nap_seconds)

    async def _keep(self, submitter: Submitter) -> None:
        while not self._is_over:
            await self._top_up(submitter)
            await asyncio.sleep(0.01)

    async def _top_up(self, submitter: Submitter) -> None:
        """Bring the backlog up to its size."""
        while self._milepost.live([GREEDY]) <= self._sizes.backlog - BATCH:
            tasks = [self._task() for _ in range(BATCH)]
            await submitter.create(GREEDY, tasks, max_live=10**6)
            self._created += BATCH


async def probes(store: Store, submitter: Submitter, count: int) -> list[float]:
    """Milliseconds that single tasks wait, one after another."""
    waited = list[float]()
    for _ in range(count):
        asked = time.monotonic_ns()
        await submitter.create(OTHER, [new_task("bench.probe", answer=ANSWER)])
        found = await asyncio.to_thread(store.client.blpop, ANSWER, ANSWER_SECONDS)
        assert found is not None, "the task has not run"
        waited.append((int(found[1]) - asked) / 1e6)
    return waited


if __name__ == "__main__":
    main()
