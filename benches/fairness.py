"""Fairness: how long another's single task waits while one owner has 10,000 in the queue.

Wait: from asking for the task to its function running, both on the machine's one monotonic clock.
The greedy owner's backlog is kept up while the other's tasks come one by one; beside it the same on
an idle system, and on one that is idle while a second on this machine, with a server of its own,
has that backlog: what is waited there is for a processor, whatever the queue does. The greedy one's
own tasks are no-ops, or take 5 ms.
"""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benches.contenders.dramatiq import Dramatiq
from benches.stage.backlog import SECONDS, Backlog, Beside, Sizes, probes
from benches.stage.milepost import Milepost, Submitter
from benches.stage.peers import Peers
from benches.stage.processes import Processes
from benches.stage.sizes import chosen
from benches.stage.store import fresh_store
from benches.stage.table import Row, at_most, percentile, show

NAP_SECONDS = 0.005
NAPS = {"no-ops": None, "5 ms tasks": NAP_SECONDS}


SHORT = Sizes(backlog=500, probes=10, alone_seconds=0.3)
FULL = Sizes(backlog=10_000, probes=200, alone_seconds=2.0)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one round of a setting came to."""

    idle: list[float]
    """Waits in milliseconds."""
    apart: Beside
    """The backlog is another system's."""
    busy: Beside


def main() -> None:
    """Measure all settings and print the table."""
    sizes, rounds = chosen(SHORT, FULL)
    peers, found, waited, version = Peers(), dict[str, list[Figures]](), list[float](), ""
    settings = [(workers, name) for workers in (1, 2) for name in NAPS]
    for _ in range(rounds):
        for workers, name in settings if sizes is FULL else [(1, "5 ms tasks")]:
            with started(workers) as milepost:
                version = milepost.store.version()
                figures = measured(milepost, workers, sizes, NAPS[name])
                setting = f"{workers} worker{'s' * (workers > 1)}, {name}"
                found.setdefault(setting, []).append(figures)
        with fresh_store() as store, Processes() as processes:
            Dramatiq(peers, 1).start(store, processes)
            behind = "noop_dramatiq", "behind", sizes.backlog, NAP_SECONDS
            waited.append(peers.run(processes, store, *behind))
    rows = [row for setting, each in found.items() for row in told(each, setting)]
    rows.append(Row("dramatiq, 1 worker, the same behind 5 ms tasks, ms", waited))
    show(rows, version, *peers.versions("dramatiq"))


@contextmanager
def started(workers: int) -> Generator[Milepost]:
    """A server, projector and workers of 8 threads, ready."""
    with fresh_store() as store, Processes() as processes:
        milepost = Milepost(store, processes)
        milepost.migrate()
        milepost.start("projector")
        milepost.workers(workers, 8)
        milepost.ready()
        yield milepost


def measured(milepost: Milepost, workers: int, sizes: Sizes, nap_seconds: float | None) -> Figures:
    """One round of one setting."""
    idle = asyncio.run(alone(milepost, sizes.probes))
    with started(workers) as second:
        apart = asyncio.run(Backlog(second, sizes, nap_seconds).beside(milepost))
    return Figures(idle, apart, asyncio.run(Backlog(milepost, sizes, nap_seconds).beside(milepost)))


def told(found: Sequence[Figures], setting: str) -> list[Row]:
    """The rows of one setting, by its rounds."""
    rows = list[Row]()
    for percent in (50, 99):
        idle = [percentile(each.idle, percent) for each in found]
        apart = [percentile(each.apart.waits, percent) for each in found]
        busy = [percentile(each.busy.waits, percent) for each in found]
        target = at_most(2) if percent == 99 else None
        wait = f"wait, ms, p{percent}, {setting}"
        rows.append(Row(f"{wait}: another's queue is full", busy, idle, target))
        rows.append(Row(f"{wait}: a second system's is", apart, idle))
        rows.append(Row(f"{wait}: idle system", idle))
    what = f"the greedy one's tasks/s, {setting}: beside the other's"
    both = [each.busy.beside for each in found], [each.busy.alone for each in found]
    return [*rows, Row(what, *both)]


async def alone(milepost: Milepost, count: int) -> list[float]:
    """Milliseconds that single tasks wait in a system without any other."""
    async with asyncio.timeout(SECONDS), Submitter(milepost.store) as submitter:
        await probes(milepost.store, submitter, 5)
        return await probes(milepost.store, submitter, count)


if __name__ == "__main__":
    main()
