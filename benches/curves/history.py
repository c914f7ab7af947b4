"""History: what reading and writing cost beside ever more rows, by the processes' processor time.

One owner has a third of everything, another a third of it, all closed; the rest is spread.
"""

import asyncio
import time
from collections.abc import Sequence

from benches.stage import processor
from benches.stage.archive import CLOSES, KEEPS, LOG_ID, Archive, fill, spread
from benches.stage.curve import Curves
from benches.stage.http_client import Connection, answers, bearer
from benches.stage.milepost import KEYS, Milepost, Submitter, new_task
from benches.stage.processes import Processes, until
from benches.stage.store import Store, fresh_store
from milepost.cursors import Cursor, StreamId
from milepost_cli.valkey import free_port
from milepost_log.commands import CommandLog
from milepost_log.connection import connect_async

DAYS_AGO_MS = 3 * 24 * 3600 * 1000
PAGE, TASKS = "/api/notify/notifications", "/api/notify/tasks"
SECONDS = 60.0
READS = 20
"""Times that each owner marks all as read."""


def measure(sizes: Sequence[int], asked: int) -> list[Curves]:
    """Fill fresh databases with so many rows; each thing is asked for `asked` times."""
    reading = Curves("history", "Reading beside so much history", "rows", "us of notify")
    writing = Curves("saving", "Projecting beside so much history", "rows", "us of the projector")
    for size in sizes:
        with fresh_store() as store, Processes() as processes:
            milepost, port = Milepost(store, processes), free_port()
            milepost.migrate()
            first_ms = int(time.time() * 1000) - DAYS_AGO_MS
            archive = fill(milepost.database, size, first_ms)
            _begin_log(store, archive.last)
            projector = milepost.start("projector")
            notify = milepost.start("notify", "--port", str(port))
            answers(port, "/api/notify/livez")
            for what, path, owner in _questions(archive):
                micros = asyncio.run(_ask(port, notify.pid, path, owner, asked))
                reading.add(what, size, micros)
            for owner in (KEEPS, spread(0)):
                for what, micros in asyncio.run(_write(milepost, projector.pid, owner, asked)):
                    writing.add(f"{what}, {_whose(owner)}", size, micros)
    return [reading, writing]


def _whose(owner: str) -> str:
    return "one has a third" if owner == KEEPS else "one of many"


def _questions(archive: Archive) -> list[tuple[str, str, str]]:
    middle = StreamId(archive.last.ms - archive.tasks // 2, 0)
    older = Cursor(0, bytes.fromhex(LOG_ID)[:4], 0, middle, 0)
    return [
        ("the state of one who has a third", PAGE, KEEPS),
        ("older tasks of his", f"{TASKS}?before={older}", KEEPS),
        ("his active tasks: none", f"{TASKS}?status=active", KEEPS),
        ("the state of one who closed a third", PAGE, CLOSES),
        ("the state of one of many", PAGE, spread(0)),
    ]


def _begin_log(store: Store, last: StreamId) -> None:
    """A log of which nothing but the last event is left."""
    store.client.hset(KEYS.meta, mapping={"log_id": LOG_ID, "partitions": 1})
    store.client.xadd(KEYS.log, {"t": "read", "o": "nobody", "d": "{}"}, id=str(last))


async def _write(milepost: Milepost, pid: int, owner: str, tasks: int) -> list[tuple[str, float]]:
    """Microseconds of a projected creation, and of marking all as read."""
    found = list[tuple[str, float]]()
    client = connect_async(milepost.store.url)
    commands = CommandLog(client, "mp", 1)
    async with Submitter(milepost.store) as submitter:

        async def create() -> int:
            await submitter.create(owner, [new_task() for _ in range(tasks)], 10**9)
            return tasks

        async def read() -> int:
            for _ in range(READS):
                await commands.read(owner, _newest(milepost.store))
            return READS

        for what, work in (("a new task", create), ("marking all as read", read)):
            before = processor.of_process(pid)
            done = await work()
            until(milepost.caught_up, "the projector", SECONDS)
            used = processor.of_process(pid) - before
            found.append((what, processor.MICRO * used / done))
    await client.aclose()
    return found


def _newest(store: Store) -> StreamId:
    return StreamId.parse(store.client.xinfo_stream(KEYS.log)["last-generated-id"])


async def _ask(port: int, pid: int, path: str, owner: str, times: int) -> float:
    """Microseconds of an answer."""
    header = bearer(owner)
    async with Connection(port) as connection:
        await connection.get(path, header)
        before = processor.of_process(pid)
        for _ in range(times):
            await connection.get(path, header)
        return processor.MICRO * (processor.of_process(pid) - before) / times
