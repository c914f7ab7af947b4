"""Memory: what a queued task costs Redis all told, and what one progress event in the log does.

By the server's own `used_memory`, before and after: keys, streams and their share of indexes. The
tasks have ids and titles as any has, and no params.
"""

import asyncio
from dataclasses import dataclass

from benches.stage.events import busy_tasks, write
from benches.stage.milepost import MAX_LIVE, Submitter, new_task
from benches.stage.sizes import chosen
from benches.stage.store import Store, fresh_store
from benches.stage.table import Row, at_most, show


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    tasks: int
    reports: int


SHORT = Sizes(tasks=1000, reports=100)
FULL = Sizes(tasks=20_000, reports=1000)


def main() -> None:
    """Fill fresh servers and print the table."""
    sizes, rounds = chosen(SHORT, FULL)
    queued, reported, version = list[float](), list[float](), ""
    for _ in range(rounds):
        with fresh_store() as store:
            version = store.version()
            asyncio.run(
                queue(store, MAX_LIVE, "before")
            )  # what is there once: keys, groups, scripts
            before = used(store)
            asyncio.run(queue(store, sizes.tasks, "counted"))
            queued.append((used(store) - before) / sizes.tasks / 1024)
        with fresh_store() as store:
            write(store, busy_tasks(1, 50, 10))
            before = used(store)
            ids = write(store, busy_tasks(1, 50, sizes.reports))
            reported.append((used(store) - before) / len(ids))
    show(
        [
            Row("a queued task all told, KiB", queued, (), at_most(1.5)),
            Row("a progress event in the log, bytes", reported, (), at_most(100)),
        ],
        version,
    )


async def queue(store: Store, tasks: int, name: str) -> None:
    """Queue tasks of owners with 1,000 each, which nobody works off."""
    async with Submitter(store) as submitter:
        for first in range(0, tasks, MAX_LIVE):
            owner = f"{name} {first}"
            await submitter.create(owner, [new_task() for _ in range(min(MAX_LIVE, tasks))])


def used(store: Store) -> int:
    """Bytes."""
    return int(store.client.info("memory")["used_memory"])


if __name__ == "__main__":
    main()
