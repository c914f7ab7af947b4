"""Freshness: from `report()` in a task to a client that waits, with everything as `up` runs it.

100 tasks of 100 owners in one worker report ten times a second each. Half of the owners follow by
long poll, half by stream. A note waits up to 100 ms for the next flush: that is in the figure.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from benches.stage.http_client import Connection, answers, bearer
from benches.stage.milepost import Milepost, Submitter, new_task
from benches.stage.processes import Processes
from benches.stage.sizes import chosen
from benches.stage.store import Durability, Store, fresh_store
from benches.stage.table import Row, at_most, percentile, show
from milepost_cli.valkey import free_port

PAUSE_SECONDS = 0.1
TARGET_MS = 200.0
"""100 ms, and as much again for the flush."""
PATH = "/api/notify/notifications"
EVERYTHING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    tasks: int
    reports: int
    """Of each task."""


SHORT = Sizes(tasks=20, reports=10)
FULL = Sizes(tasks=100, reports=60)


def main() -> None:
    """Measure on both settings of the log and print the table."""
    sizes, rounds = chosen(SHORT, FULL)
    names: dict[Durability, str] = {"memory": "everysec", "fsync": "fsync"}
    rows, version = list[Row](), ""
    for durability in names if sizes is FULL else ("fsync",):
        taken: dict[str, list[list[float]]] = {"long poll": [], "stream": []}
        for _ in range(rounds):
            with fresh_store(durability) as store, Processes() as processes:
                version = store.version()
                for way, took in once(store, processes, sizes).items():
                    taken[way].append(took)
        for way, samples in taken.items():
            for percent in (50, 99):
                figures = [percentile(took, percent) for took in samples]
                target = at_most(TARGET_MS) if percent == 99 else None
                what = f"report to {way}, ms, p{percent}, {names[durability]}"
                rows.append(Row(what, figures, (), target))
            shown = [100 * len(took) / (sizes.reports * sizes.tasks / 2) for took in samples]
            rows.append(Row(f"reports shown by {way}, %, {names[durability]}", shown))
    show(rows, version)


def once(store: Store, processes: Processes, sizes: Sizes) -> dict[str, list[float]]:
    """Milliseconds of every report that was seen, by the way it took."""
    milepost, port = Milepost(store, processes), free_port()
    # `up` with its own database and one web process, but on this measurement's Valkey.
    del milepost.environment["MILEPOST_DATABASE_URL"]
    milepost.start("up", "--port", str(port), "--data-dir", str(store.folder / "up"),
                   "--threads", str(sizes.tasks))  # fmt: skip
    answers(port, "/api/notify/readyz")
    milepost.ready()
    return asyncio.run(follow(store, port, sizes))


async def follow(store: Store, port: int, sizes: Sizes) -> dict[str, list[float]]:
    """Let all owners wait, then let their tasks run to their end."""
    took: dict[str, list[float]] = {"long poll": [], "stream": []}
    owners = [f"owner {number}" for number in range(sizes.tasks)]
    async with asyncio.timeout(EVERYTHING_SECONDS), Submitter(store) as submitter:
        waiting = [
            asyncio.create_task(
                watch(poll(port, owner), took["long poll"])
                if number % 2
                else watch(stream(port, owner), took["stream"])
            )
            for number, owner in enumerate(owners)
        ]
        params = {"count": sizes.reports, "pause_seconds": PAUSE_SECONDS}
        for owner in owners:
            await submitter.create(owner, [new_task("bench.reports", **params)])
        await asyncio.gather(*waiting)
    return took


async def watch(notifications: AsyncGenerator[Any], took: list[float]) -> None:
    """Note how old each report is that comes, until the task has ended."""
    seen = ""
    async with aclosing(notifications):
        async for notification in notifications:
            now, data = time.monotonic_ns(), notification["data"]
            if notification["name"] != "task_progress":
                continue
            if data["status"] in ("succeeded", "failed"):
                assert data["status"] == "succeeded", data
                return
            if data["message"] and data["message"] != seen:
                seen = data["message"]
                took.append((now - int(seen)) / 1e6)


async def stream(port: int, owner: str) -> AsyncGenerator[Any]:
    """What an owner's stream says."""
    async with Connection(port) as connection:
        async for event in connection.events(f"{PATH}/stream", bearer(owner)):
            if "data" in event:
                yield event


async def poll(port: int, owner: str) -> AsyncGenerator[Any]:
    """What an owner's long polls answer."""
    header, since = bearer(owner), ""
    async with Connection(port) as connection:
        while True:
            page = await connection.get(f"{PATH}?wait=25&since={since}", header)
            since = page["cursor"]
            for notification in page["notifications"]:
                yield notification


if __name__ == "__main__":
    main()
