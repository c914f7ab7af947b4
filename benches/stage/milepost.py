"""Owns our side of a measurement: Milepost's own processes on one store, and what is asked of them.

Tasks go in by the log's own `create`, as submit makes it; `poll` and `sse` measure HTTP.
"""

import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from benches.stage.processes import Processes, import_path, until
from benches.stage.store import Store
from milepost.cursors import StreamId
from milepost.events import TaskCreated
from milepost.keys import PartitionKeys
from milepost.owners import owner_hash
from milepost_log.commands import CommandLog, NewTask
from milepost_log.connection import connect_async

PROGRAMS = Path(__file__).resolve().parents[1] / "programs"
SECRET = "a-secret-for-benchmarks-of-forty-letters"
KEYS = PartitionKeys("mp", 0)
MAX_LIVE = 1000
"""Tasks of one owner; the product's own default."""
_TABLES = list[bytes]()
"""An empty database, once there is one."""


class Milepost:
    """Our processes, with one partition, as `up` has it."""

    def __init__(self, store: Store, processes: Processes, **settings: str) -> None:
        self.store, self._processes = store, processes
        self.database = store.folder / "milepost.db"
        self.environment = {
            "MILEPOST_REDIS_URL": store.url,
            "MILEPOST_PARTITIONS": "1",
            "MILEPOST_DURABILITY": store.durability,
            "MILEPOST_DATABASE_URL": f"sqlite+aiosqlite:///{self.database}",
            "MILEPOST_SECRET": SECRET,
            "MILEPOST_TASKS": "bench_tasks",
            "PYTHONPATH": import_path(PROGRAMS),
            **{f"MILEPOST_{name.upper()}": value for name, value in settings.items()},
        }

    def start(self, *arguments: str, cores: set[int] | None = None) -> subprocess.Popen[bytes]:
        """Start `milepost ARGUMENTS`; what it logs is dropped."""
        command = [sys.executable, "-m", "milepost_cli", *arguments]
        return self._processes.start(
            command, self.environment, cores=cores, stderr=subprocess.DEVNULL
        )

    def migrate(self) -> None:
        """Make the tables: for SQLite once, then they are copied."""
        is_file = self.environment["MILEPOST_DATABASE_URL"].startswith("sqlite")
        if is_file and _TABLES:
            self.database.write_bytes(_TABLES[0])
            return
        command = [sys.executable, "-m", "milepost_cli", "migrate"]
        self._processes.output(command, self.environment)
        if is_file:
            _TABLES.append(self.database.read_bytes())

    def workers(self, count: int, threads: int) -> None:
        """Start worker processes."""
        for _ in range(count):
            self.start("worker", "--threads", str(threads))

    def ready(self) -> None:
        """Wait for the first worker to have announced its task types."""
        until(lambda: self.store.client.hexists("mp:catalogue", "bench.noop"), "a worker", 30)

    def live(self, owners: Iterable[str]) -> int:
        """How many tasks of these have not ended."""
        pipe = self.store.client.pipeline(transaction=False)
        for owner in owners:
            pipe.hget(KEYS.owner(owner_hash(owner)), "live")
        return sum(int(count or 0) for count in pipe.execute())

    def results(self) -> list[dict[bytes, bytes]]:
        """The terminal events in the log, oldest first."""
        entries = self.store.client.xrange(KEYS.log)
        return [fields for _, fields in entries if fields[b"t"] in (b"succeeded", b"failed")]

    def projected(self) -> int:
        """How many events are in the read models' history."""
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5) as connection:
            found: tuple[int] = connection.execute("SELECT count(*) FROM notify_history").fetchone()
            return found[0]

    def caught_up(self) -> bool:
        """Whether everything in the log is in the read models."""
        last = StreamId.parse(self.store.client.xinfo_stream(KEYS.log)["last-generated-id"])
        query = "SELECT position FROM notify_checkpoint"
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5) as connection:
            return connection.execute(query).fetchone() == (last.sortable,)


class Submitter:
    """Creates tasks by the log's own scripts; `async with`."""

    def __init__(self, store: Store) -> None:
        self._client = connect_async(store.url)
        self._commands = CommandLog(self._client, "mp", 1)

    async def create(self, owner: str, tasks: Sequence[NewTask], max_live: int = MAX_LIVE) -> None:
        """Accept all of them in one step."""
        await self._commands.create(owner, tasks, max_live=max_live)

    async def __aenter__(self) -> "Submitter":
        await self._commands.prepare()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()


def new_task(task_type: str = "bench.noop", **params: Any) -> NewTask:
    """A task, freshly named."""
    created = TaskCreated(task_type=task_type, title="T", queue="default", params=params)
    return NewTask(str(uuid4()), "f", created)
