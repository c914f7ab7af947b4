"""Scaling: what one partition costs its server, by the server's own processor time.

A call of a worker that finds nothing, beside ever more workers (every answer has all their beats),
and an event of progress in batches as workers send them. Processor time hardly minds what else
runs. And what an ended task weighs in PostgreSQL.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count

import psycopg

from benches.projection import rate
from benches.stage import versions
from benches.stage.databases import POSTGRESQL, database
from benches.stage.events import busy_tasks, write
from benches.stage.milepost import Milepost, Submitter, new_task
from benches.stage.processes import Processes
from benches.stage.sizes import chosen
from benches.stage.store import Store, fresh_store
from benches.stage.table import Row, show
from milepost.cursors import StreamId
from milepost_log.attempts import Report
from milepost_log.servers import Servers, open_servers
from milepost_log.work import WorkLog

TASKS = 64
TOLD = (0, 20)
"""Reports of a task whose rows are weighed."""
BATCHES = (1, 8, 64)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    workers: tuple[int, ...]
    calls: int
    ended: int
    """Tasks whose rows are weighed."""


SHORT = Sizes(workers=(1, 10), calls=100, ended=200)
FULL = Sizes(workers=(1, 10, 100, 1000), calls=3000, ended=5000)


def main() -> None:
    """Fill fresh servers and print the table."""
    sizes, rounds = chosen(SHORT, FULL)
    taken = {workers: list[float]() for workers in sizes.workers}
    sent = {workers: list[float]() for workers in sizes.workers}
    told = {batch: list[float]() for batch in BATCHES}
    weighed = {reports: list[float]() for reports in TOLD}
    version = ""
    for _ in range(rounds):
        with fresh_store() as store:
            version = store.version()
            for workers, (micros, answered) in sweeps(store, sizes):
                taken[workers].append(micros)
                sent[workers].append(answered)
        with fresh_store() as store:
            for batch, micros in reports(store, sizes.calls):
                told[batch].append(micros)
        for each in TOLD:
            weighed[each].append(weight(sizes.ended, each))
    show(
        [
            *(
                Row(f"a sweep that finds nothing, {n:,} workers: server, us", values)
                for n, values in taken.items()
            ),
            *(
                Row(f"a sweep that finds nothing, {n:,} workers: answer, bytes", values)
                for n, values in sent.items()
            ),
            *(
                Row(f"an event of progress, {n} in a call: server, us", values)
                for n, values in told.items()
            ),
            *(
                Row(f"an ended task with {n} reports in PostgreSQL, KiB", values)
                for n, values in weighed.items()
            ),
        ],
        version,
        versions.postgresql(),
    )


def sweeps(store: Store, sizes: Sizes) -> Iterator[tuple[int, tuple[float, float]]]:
    """Microseconds and bytes of a call that finds nothing, beside so many workers."""
    with open_servers(store.url) as servers:
        logs = list[WorkLog]()
        for workers in sizes.workers:
            while len(logs) < workers:
                logs.append(worker(servers, f"node-{len(logs):04}.12345.0a1b2c3d"))
                sweep(logs[-1])
            yield workers, cost(store, partial(sweep, logs[0]), sizes.calls)


def reports(store: Store, calls: int) -> Iterator[tuple[int, float]]:
    """Microseconds of an event of progress, so many in a call."""
    asyncio.run(queue(store))
    numbers = count(1)
    with open_servers(store.url) as servers:
        log = worker(servers, "node.12345.0a1b2c3d")
        tasks = log.take(0, TASKS, holding=False).tasks

        def tell(batch: int) -> None:
            number = next(numbers)
            percent = f"{min(99.0, number / 200):.1f}"
            log.report(0, [Report(each, number, percent, "}") for each in tasks[:batch]])

        for batch in BATCHES:
            yield batch, cost(store, partial(tell, batch), calls)[0] / batch


def weight(ended: int, reports: int) -> float:
    """KiB that an ended task has in PostgreSQL, history, read models and indexes."""
    with (
        fresh_store() as store,
        database(POSTGRESQL, store.folder) as url,
        Processes() as processes,
    ):
        milepost = Milepost(store, processes, database_url=url)
        milepost.migrate()
        with psycopg.connect(url) as connection:
            before = size(connection)
            events = busy_tasks(ended * (reports + 3), 50, reports)
            ids = [StreamId.parse(entry) for entry in write(store, events)]
            milepost.start("projector")
            asyncio.run(rate(url, ids))
            connection.rollback()
            return (size(connection) - before) / (len(ids) / (reports + 3)) / 1024


def size(connection: psycopg.Connection) -> int:
    """Bytes of all tables of ours."""
    query = "SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables"
    found = connection.execute(query).fetchone()
    assert found is not None
    return int(found[0])


def worker(servers: Servers, name: str) -> WorkLog:
    """One worker's log."""
    return WorkLog(servers, "mp", name, ["default"], ["bench.noop"])


def sweep(log: WorkLog) -> None:
    """A sweep of one partition."""
    log.take(0, 8, holding=False)


def cost(store: Store, call: Callable[[], None], calls: int) -> tuple[float, float]:
    """Microseconds of the server's processor and bytes of its answer, for one call."""
    before = figures(store)
    for _ in range(calls):
        call()
    after = figures(store)
    return (after[0] - before[0]) / calls * 1e6, (after[1] - before[1]) / calls


def figures(store: Store) -> tuple[float, int]:
    """The server's processor time in seconds, and what it has sent."""
    info = store.client.info()
    return info["used_cpu_user"] + info["used_cpu_sys"], info["total_net_output_bytes"]


async def queue(store: Store) -> None:
    """Queue tasks, each of an owner of its own."""
    async with Submitter(store) as submitter:
        for number in range(TASKS):
            await submitter.create(f"owner {number}", [new_task()])


if __name__ == "__main__":
    main()
