"""Queue: no-op tasks through one worker process, beside dramatiq's own RedisBroker in the same run.

Both get 1 process with 8 threads on a fresh Valkey with AOF `everysec`, in turn. Ours is measured
with its whole history (created, started, succeeded), and once more with `appendfsync always`.
Drained: from the first task begun to the last one done, after a warm-up, by the server's state.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import TypeVar
from uuid import uuid4

import redis
from _table import Row, show

from milepost.cursors import ZERO, StreamId
from milepost.events import TaskCreated
from milepost_log.commands import CommandLog, NewTask
from milepost_log.connection import connect_async
from milepost_log.reader import LogReader
from valkey_server import Valkey

PROGRAMS = Path(__file__).parent / "programs"
SECONDS = 120
"""A measurement that takes longer is a failure, not a figure."""
TASKS = 10_000
IDLE_TASKS = 300
ROUNDS = 3

Measured = TypeVar("Measured")


def main() -> None:
    """Run all rounds in turn and print medians with their range."""
    ours, fsync, peer = list[float](), list[float](), list[float]()
    for _ in range(ROUNDS):
        ours.append(
            on_valkey(
                "everysec",
                lambda server: asyncio.run(asyncio.wait_for(Ours(server).drain(), SECONDS)),
            )
        )
        peer.append(on_valkey("everysec", lambda server: Peer(server).drain()))
        fsync.append(
            on_valkey(
                "always",
                lambda server: asyncio.run(asyncio.wait_for(Ours(server).drain(), SECONDS)),
            )
        )
    our_idle = on_valkey(
        "everysec", lambda server: asyncio.run(asyncio.wait_for(Ours(server).idle(), SECONDS))
    )
    peer_idle = on_valkey("everysec", lambda server: Peer(server).idle())
    base = median(peer)
    rows = [
        Row("tasks/s: Milepost with history, everysec", ours, median(ours) / base),
        Row("tasks/s: Milepost with history, fsync", fsync, median(fsync) / base),
        Row("tasks/s: dramatiq RedisBroker, defaults", peer, 1.0),
    ]
    for name, values in (("Milepost", our_idle), ("dramatiq RedisBroker, defaults", peer_idle)):
        p99 = quantiles(values, n=100)[98]
        rows.append(Row(f"submit to done on an idle queue, ms, p50: {name}", [median(values)]))
        rows.append(Row(f"the same, p99: {name}", [p99]))
    show("queue", rows)


def on_valkey(appendfsync: str, measure: Callable[[Valkey], Measured]) -> Measured:
    """Run one measurement on a fresh server in a fresh folder."""
    with tempfile.TemporaryDirectory() as folder:
        server = Valkey(Path(folder), appendfsync=appendfsync)
        server.start()
        try:
            return measure(server)
        finally:
            server.stop()


class Ours:
    """Milepost: tasks go in through the log's own create, one process works them off."""

    def __init__(self, server: Valkey) -> None:
        self.server = server

    def worker(self) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "MILEPOST_REDIS_URL": self.server.url,
            "MILEPOST_PARTITIONS": "1",
            "MILEPOST_DURABILITY": "memory",
            "MILEPOST_TASKS": "noop_task",
            "PYTHONPATH": str(PROGRAMS),
        }
        command = [sys.executable, "-m", "milepost_cli", "worker"]
        return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    async def drain(self) -> float:
        """Tasks a second."""
        commands = CommandLog(connect_async(self.server.url), "mp", 1)
        await commands.prepare()
        for _ in range(TASKS // 1000):
            await commands.create("bench", [new_task() for _ in range(1000)], max_live=10**6)
        began: StreamId | None = None
        done, position = 0, ZERO
        reader = LogReader(connect_async(self.server.url), "mp", 0)
        process = self.worker()
        try:
            while done < TASKS:
                for entry in await reader.read(position, count=5000, block_ms=1000):
                    position = StreamId.parse(entry.id)
                    began = began or (position if entry.fields[b"t"] == b"started" else None)
                    done += entry.fields[b"t"] == b"succeeded"
        finally:
            process.terminate()
            process.wait()
        assert began is not None
        return 1000 * TASKS / (position.ms - began.ms)

    async def idle(self) -> list[float]:
        """Milliseconds from asking to the terminal event in another's hands, one by one."""
        commands = CommandLog(connect_async(self.server.url), "mp", 1)
        await commands.prepare()
        reader = LogReader(connect_async(self.server.url), "mp", 0)
        process = self.worker()
        took, position = list[float](), ZERO
        try:
            for _ in range(IDLE_TASKS + 20):
                began, done = time.perf_counter(), False
                await commands.create("bench", [new_task()], max_live=10**6)
                while not done:
                    for entry in await reader.read(position, count=10, block_ms=1000):
                        position = StreamId.parse(entry.id)
                        done = done or entry.fields[b"t"] == b"succeeded"
                took.append(1000 * (time.perf_counter() - began))
        finally:
            process.terminate()
            process.wait()
        return took[20:]


def new_task() -> NewTask:
    """A no-op task, freshly named."""
    created = TaskCreated(task_type="bench.noop", title="T", queue="default", params={})
    return NewTask(str(uuid4()), "f", created)


class Peer:
    """dramatiq with its own broker, at its defaults."""

    def __init__(self, server: Valkey) -> None:
        os.environ["BENCH_REDIS_URL"] = server.url
        sys.modules.pop("noop_actor", None)
        sys.path.append(str(PROGRAMS))
        from noop_actor import noop

        self.noop = noop
        self.client = redis.Redis.from_url(server.url)  # pyright: ignore[reportUnknownMemberType]  # untyped

    def worker(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dramatiq", "-p", "1", "-t", "8", "noop_actor"]
        environment = {**os.environ, "PYTHONPATH": str(PROGRAMS)}
        return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    def left(self) -> int:
        """Messages not acknowledged yet."""
        return int(self.client.hlen("dramatiq:default.msgs"))  # pyright: ignore  # untyped

    def drain(self) -> float:
        """Tasks a second."""
        for _ in range(TASKS):
            self.noop.send()
        process = self.worker()
        try:
            while self.left() == TASKS:
                time.sleep(0.002)
            began = time.perf_counter()
            while self.left():
                time.sleep(0.01)
            return TASKS / (time.perf_counter() - began)
        finally:
            process.terminate()
            process.wait()

    def idle(self) -> list[float]:
        """Milliseconds from sending to the acknowledgement, one by one."""
        process = self.worker()
        took = list[float]()
        try:
            for _ in range(60):  # it polls, backing off to a second: fewer will do
                began = time.perf_counter()
                self.noop.send()
                while self.left():
                    time.sleep(0.0005)
                took.append(1000 * (time.perf_counter() - began))
        finally:
            process.terminate()
            process.wait()
        return took[5:]


if __name__ == "__main__":
    main()
