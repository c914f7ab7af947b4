"""Progress: what telling the world costs the task, in a real worker that flushes meanwhile.

Beside tqdm, which draws on a local terminal alone; Celery's `update_state` and RQ's `save_meta`,
which write to the same server; and the latter with a row in SQLite for the page to poll.
"""

import asyncio
import json
from dataclasses import dataclass

from benches.stage.milepost import Milepost, Submitter, new_task
from benches.stage.peers import Peers
from benches.stage.processes import Processes, until
from benches.stage.sizes import chosen
from benches.stage.store import Store, fresh_store
from benches.stage.table import Row, at_most, show

RUN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    items: int
    calls: int
    """Of peers that wait for a server at each."""


SHORT = Sizes(items=30_000, calls=200)
FULL = Sizes(items=1_000_000, calls=5000)


def main() -> None:
    """Run all in turn, several rounds, and print medians with their range."""
    sizes, rounds = chosen(SHORT, FULL)
    peers, taken = Peers(), dict[str, list[float]]()
    with fresh_store() as store, Processes() as processes:
        milepost = Milepost(store, processes)
        milepost.workers(1, 8)
        for number in range(1, 2 * rounds + 1):
            ours = asyncio.run(run(milepost, store, number, sizes.items))
            theirs = peers.run(processes, store, "telling", sizes.items, sizes.calls)
            for name, value in {**ours, **theirs}.items():
                taken.setdefault(name, []).append(value)
        version = store.version()
    tqdm, celery, rq = taken["tqdm"], taken["celery"], taken["rq"]
    us = {name: [value / 1000 for value in values] for name, values in taken.items()}
    show(
        [
            Row("a bare loop, ns an iteration", taken["bare"], tqdm),
            Row("Milepost progress.track, ns an iteration", taken["track"], tqdm, at_most(1)),
            Row("tqdm, ns an iteration", tqdm),
            Row("Milepost progress.report(percent), us a call", us["report"], (), at_most(2)),
            Row("Milepost progress.report(done=, total=, message=), us", us["report_all"], (),
                at_most(2)),
            # By the processor's time: the longer loop would meet more of what else runs.
            Row("the same beside an iteration of tqdm", us["report_all_cpu"], us["tqdm_cpu"]),
            Row("the same beside Celery's update_state", us["report_all"], celery),
            Row("the same beside RQ's save_meta", us["report_all"], rq),
            Row("the same beside RQ's save_meta + a row (WAL)", us["report_all"], taken["wal"]),
            Row("Celery update_state, us a call", celery),
            Row("RQ save_meta, us a call", rq),
            Row("RQ save_meta + a row replaced, SQLite, WAL, us a call", taken["wal"]),
            Row("RQ save_meta + a row replaced, SQLite, ORM, default journal, us a call",
                taken["orm"]),
        ],
        version,
        *peers.versions("tqdm", "celery", "rq", "sqlalchemy"),
    )  # fmt: skip


async def run(milepost: Milepost, store: Store, number: int, items: int) -> dict[str, float]:
    """Let the worker measure itself; what the `number`th task of this run says."""
    async with Submitter(store) as submitter:
        await submitter.create("bench", [new_task("bench.costs", items=items)])
    until(lambda: len(milepost.results()) >= number, "the task's end", RUN_SECONDS, pause=0.05)
    return json.loads(milepost.results()[-1][b"d"])["result"]


if __name__ == "__main__":
    main()
