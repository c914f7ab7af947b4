"""Owns the embedded stack that a storm starts for itself: `up` in a folder of its own.

Struck are only children of the supervisor that it has started.
"""

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from milepost.errors import ConfigurationError
from milepost_cli import instance, valkey
from milepost_cli.leash import leashed
from milepost_cli.storm.blows import Blow
from milepost_cli.storm.processes import children, freezes, kills
from milepost_cli.storm.records import Rebuilt
from milepost_log.connection import connect

READY_SECONDS = 90.0
STOP_SECONDS = 15.0
REBUILD_SECONDS = 300.0
LEASE_SECONDS = 2.0
PARTS = {
    "worker": re.compile(r"milepost_cli worker\b"),
    "web": re.compile(r"milepost_cli\.web\b"),
    "valkey": re.compile(r"(valkey|redis)-server"),
}


class Embedded:
    """One `milepost up` with the storm's own tasks, while entered."""

    folder: Path
    """Of all that it keeps; made when it starts."""

    def __init__(self, *, workers: int) -> None:
        self._workers = workers
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and wait until it is ready.

        Raises:
            ConfigurationError: it does not become ready.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="milepost-storm-"))
        command = [
            sys.executable, "-P", "-m", "milepost_cli", "up", "--port", "0", "--data-dir",
            str(self._data), "--workers", str(self._workers), "--tasks",
            "milepost_cli.storm.tasks",
        ]  # fmt: skip
        with self._output.open("wb") as out:
            self._process = subprocess.Popen(
                leashed(command, signal.SIGTERM),  # a storm that is killed leaves nothing behind
                env=self._environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True,  # Ctrl-C is for the storm, which ends it in order
            )  # fmt: skip
        try:
            self._until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def url(self) -> str:
        """Where it is reached."""
        found = re.search(r"ready: (http://\S+)", self._output.read_text())
        assert found is not None
        return found[1]

    @property
    def secret(self) -> str:
        """That of its tokens."""
        return (self._data / "secret").read_text().strip()

    def blows(self) -> list[Blow]:
        """All that may be done to it."""

        def find(part: str) -> Sequence[int]:
            assert self._process is not None
            found = children(self._process.pid).items()
            return [pid for pid, line in found if PARTS[part].search(line)]

        taken_over = (2.2 * LEASE_SECONDS, 3 * LEASE_SECONDS)
        return [
            *(kills(part, lambda part=part: find(part)) for part in PARTS),
            *(freezes(part, lambda part=part: find(part)) for part in ("web", "valkey")),
            freezes("worker", lambda: find("worker")),
            freezes("worker", lambda: find("worker"), taken_over, name="freeze worker for long"),
            kills("worker", lambda: find("worker"), signal.SIGTERM),
            Blow("cut connections", self._cut),
            Blow("cut subscriptions", self._cut_subscriptions),
        ]

    def rebuilt(self) -> Rebuilt:
        """Make the read models anew beside those served, and compare."""
        command = [sys.executable, "-P", "-m", "milepost_cli", "rebuild", "--dry-run"]
        try:
            done = subprocess.run(
                [*command, "--data-dir", str(self._data)], env=self._environment(), text=True,
                capture_output=True, check=False, timeout=REBUILD_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:  # half an hour of storm is not to end without a verdict
            return Rebuilt(f"not rebuilt within {REBUILD_SECONDS:g} s")
        said = " ".join(f"{done.stdout} {done.stderr}".split())
        return Rebuilt("" if done.returncode == 0 else said)

    async def _cut(self, _: random.Random) -> bool:
        return await asyncio.to_thread(self._break_off, "normal")

    async def _cut_subscriptions(self, _: random.Random) -> bool:
        return await asyncio.to_thread(self._break_off, "pubsub")

    def _break_off(self, kind: str) -> bool:
        """Break every connection of a kind to the log's server."""
        found = instance.find(self._data)
        if found is None:
            return False
        url = valkey.administrator_url(found.settings["REDIS_URL"])
        with suppress(redis.RedisError), connect(url) as client:
            command = ("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
            client.execute_command(*command)  # pyright: ignore  # untyped
            return True
        return False

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _output(self) -> Path:
        return self.folder / "up.out"

    @staticmethod
    def _environment() -> dict[str, str]:
        """Without settings of the person's own, which would send their storm elsewhere."""
        own = {name: value for name, value in os.environ.items() if "MILEPOST_" not in name}
        return own | {"MILEPOST_LEASE_SECONDS": f"{LEASE_SECONDS:g}"}

    def _until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + READY_SECONDS
        while "is ready" not in (said := self._output.read_text()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                last = said.strip().rpartition("\n")[2]
                raise ConfigurationError(f"`milepost up` does not become ready: {last}")
            time.sleep(0.05)

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
