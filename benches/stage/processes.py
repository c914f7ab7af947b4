"""Owns the processes of one benchmark: each ends with it, and no wait is for ever.

Each leads a process group of its own, killed with all its forks; on Linux the kernel kills it when
the benchmark is killed, and `./milepost bench` at its end whatever is left of the session.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from milepost_cli.leash import leashed

STOP_SECONDS = 5.0


class TookTooLong(Exception):
    """A measurement did not come to its end in time: no figure."""


def until(
    holds: Callable[[], object], what: str, seconds: float = 60.0, *, pause: float = 0.005
) -> float:
    """Wait until it holds; when that was seen, on the monotonic clock.

    Raises:
        TookTooLong: not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TookTooLong(f"{what}: not within {seconds:g} s")
        time.sleep(pause)
    return time.monotonic()


def import_path(folder: Path) -> str:
    """PYTHONPATH with a folder first; what we were started with, such as a changed copy, stays."""
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))


class Processes:
    """Starts processes; leaving the block ends all of them."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[bytes]] = []

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        folder: Path | None = None,
        stdin: bytes = b"",
        cores: set[int] | None = None,
        stdout: int = subprocess.DEVNULL,
        stderr: int | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start one; its standard error is ours, its output goes nowhere unless asked for.

        Args:
            cores: the processor cores it may use, where the system has such a thing.
            stdout: as for Popen.
            stderr: as for Popen.
        """
        process = subprocess.Popen(
            leashed(command, signal.SIGKILL),
            env={**os.environ, **(environment or {})},
            cwd=folder,
            stdin=subprocess.PIPE,
            process_group=0,
            stdout=stdout,
            stderr=stderr,
        )
        self._started.append(process)
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.close()
        process.stdin = None  # `communicate` would flush it
        if cores and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, cores)
        return process

    def output(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        seconds: float = 120.0,
        cores: set[int] | None = None,
    ) -> bytes:
        """Run one to its end; what it printed.

        Raises:
            TookTooLong: it runs longer than `seconds`.
            CalledProcessError: it failed.
        """
        process = self.start(command, environment, stdout=subprocess.PIPE, cores=cores)
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as err:
            raise TookTooLong(f"{command[-2:]}: not within {seconds:g} s") from err
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, list(command))
        return said

    def stop(self) -> None:
        """Kill all, the last started first, with what they have forked: nothing they hold matters
        any more, and some peers take seconds to end in order."""
        for process in reversed(self._started):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in self._started:
            process.wait(STOP_SECONDS)
        self._started.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
