"""Watchers: what an event to one client costs notify beside ever more idle ones, and how long it
takes.

An idle stream gets a heartbeat 15 s after its last, and those that were opened together get theirs
together. So what nothing costs, and what events cost beside it, are both measured over the same
whole periods: over a part of one there are all heartbeats or none.
"""

import asyncio
import resource
import sys
import time
from collections.abc import Sequence

from benches.sse import SETTLE_SECONDS, SPARE_FILES, first_task, latencies
from benches.stage import processor
from benches.stage.curve import Curves
from benches.stage.http_client import answers
from benches.stage.milepost import Milepost
from benches.stage.processes import Processes
from benches.stage.store import fresh_store
from benches.stage.streams import open_streams
from benches.stage.table import percentile
from milepost_cli.valkey import free_port


def measure(sizes: Sequence[int], events: int, seconds: float) -> list[Curves]:
    """Open more and more streams; `events` go to one client more at each size, within `seconds`
    (whole periods of heartbeats) behind as many of nothing."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < max(sizes) + SPARE_FILES:
        sys.exit(f"{max(sizes)} clients need more open files than {most} (ulimit -n)")
    cost = Curves("watchers", "An event beside idle clients", "clients", "us of notify")
    takes = Curves("latency", "An event's way to one beside idle clients", "clients", "ms")
    with fresh_store() as store, Processes() as processes:
        milepost, port, there = Milepost(store, processes), free_port(), 0
        milepost.migrate()
        milepost.start("projector")
        notify = milepost.start("notify", "--port", str(port))
        answers(port, "/api/notify/livez")
        asyncio.run(first_task(milepost))
        asyncio.run(latencies(store, port, events))  # warm
        for size in sizes:
            open_streams(processes, store.folder, port, there, size - there)
            there = size
            time.sleep(SETTLE_SECONDS)
            idle = _used(notify.pid, seconds)
            began, before = time.monotonic(), processor.of_process(notify.pid)
            # Of an owner of its own, whose state is as small as at the other sizes.
            took = asyncio.run(latencies(store, port, events, f"beside {size}"))
            time.sleep(max(0.0, began + seconds - time.monotonic()))
            used = processor.of_process(notify.pid) - before
            used -= idle * (time.monotonic() - began) / seconds
            cost.add("an event to one client", size, processor.MICRO * max(0.0, used) / events)
            cost.add("a second of nothing, a client", size, processor.MICRO * idle / seconds / size)
            takes.add("half of them", size, percentile(took, 50))
    return [cost, takes]


def _used(pid: int, seconds: float) -> float:
    """Processor time of a process that nobody asks anything."""
    before, began = processor.of_process(pid), time.monotonic()
    time.sleep(seconds)
    used = processor.of_process(pid) - before
    return used * seconds / (time.monotonic() - began)
