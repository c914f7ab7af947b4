"""Owns one owner's backlog, kept up in a system, and another's single tasks beside it."""

import asyncio
import time
from dataclasses import dataclass

from benches.stage.milepost import Milepost, Submitter, new_task
from benches.stage.store import Store
from milepost_log.commands import NewTask

GREEDY, OTHER, ANSWER = "greedy", "other", "answer"
BATCH = 50
"""Small: for a larger one the server would do nothing else for some milliseconds."""
ANSWER_SECONDS = 20
SECONDS = 90.0
SETTLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    backlog: int
    probes: int
    alone_seconds: float
    """How long the greedy one's throughput is measured without the other."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What was found beside a backlog."""

    waits: list[float]
    """The other's, in milliseconds."""
    alone: float
    """Greedy tasks a second without the other."""
    beside: float
    """The same while the other's come one by one."""


class Backlog:
    """One owner's, kept up in a system."""

    def __init__(self, milepost: Milepost, sizes: Sizes, nap_seconds: float | None) -> None:
        self._milepost, self._sizes, self._nap_seconds = milepost, sizes, nap_seconds
        self._created = 0
        self._is_over = False

    async def beside(self, asked: Milepost) -> Beside:
        """How long another's single tasks wait in `asked` meanwhile."""
        async with asyncio.timeout(SECONDS), Submitter(self._milepost.store) as submitter:
            await self._top_up(submitter)
            keeping = asyncio.create_task(self._keep(submitter))
            await asyncio.sleep(SETTLE_SECONDS)
            before, began = self._done(), time.perf_counter()
            await asyncio.sleep(self._sizes.alone_seconds)
            between, middle = self._done(), time.perf_counter()
            async with Submitter(asked.store) as other:
                waits = await probes(asked.store, other, self._sizes.probes)
            after, ended = self._done(), time.perf_counter()
            assert not keeping.done(), keeping
            self._is_over = True
            await keeping
            return Beside(
                waits, (between - before) / (middle - began), (after - between) / (ended - middle)
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
