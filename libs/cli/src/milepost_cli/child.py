"""Owns one child process: starts it on its leash, collects what it says. Decides no restart."""

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from milepost_cli import inherited
from milepost_cli.backoff import Backoff
from milepost_cli.journal import Journal
from milepost_cli.leash import LIFELINE

READ_BYTES = 64 * 1024
MAX_PIECES = 32
LEASH = str(Path(__file__).with_name("leash.py"))
DEFAULT_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ)


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and how it is stopped."""

    name: str
    """As people read it: `worker 1`."""
    command: tuple[str, ...]
    environment: Mapping[str, str]
    stage: int
    """Stopping goes by stages, the lowest first; those of one stage stop side by side."""
    stop_seconds: float
    """After SIGTERM; then it is killed."""
    inherit: int | None = None
    """A descriptor of ours that it finds as its number 3: a listening socket, a lock."""
    stdin: bytes = b""
    """What it reads (under 64 KiB: a pipe takes it at once), then the end of input."""


class Child:
    """One program and the process that runs it, if one does."""

    def __init__(self, program: Program, journal: Journal, lifeline: int) -> None:
        """Make one, not started yet; `lifeline` is the reading end of a pipe, see leash.py."""
        self.program = program
        self.journal = journal
        self._lifeline = lifeline
        self.backoff = Backoff()
        self.pid: int | None = None
        self.output = -1
        self.silent = True
        """Its output has ended, or there is no process: nothing to wait for at `output`."""
        self._begun = False
        self.started_at = 0.0
        self.restart_at: float | None = None
        self.death = ""

    def start(self, now: float) -> None:
        """Start the process, in a session of its own: Ctrl-C in the terminal is not meant for it.

        Raises:
            OSError: the system has no room for another process.
        """
        self.restart_at = None
        self.started_at = now
        self.journal.begin()
        program = self.program
        leash = [sys.executable, "-I", "-S", LEASH, str(os.getpid()), *program.command]
        self.output, theirs = os.pipe()
        stdin, feed = os.pipe()
        try:
            os.write(feed, program.stdin)
            given = [(stdin, 0), (theirs, 1), (1, 2), (self._lifeline, LIFELINE)]
            if program.inherit is not None:
                given.append((program.inherit, inherited.DESCRIPTOR))
            files = [(os.POSIX_SPAWN_DUP2, ours, fd) for ours, fd in given]
            environment = program.environment
            if self._begun:
                environment = {**environment, inherited.RESTARTED: "1"}
            self.pid = os.posix_spawn(
                leash[0], leash, environment,
                file_actions=files, setsid=True, setsigmask=(), setsigdef=DEFAULT_SIGNALS,
            )  # fmt: skip
        except OSError:
            os.close(self.output)
            raise
        finally:
            for fd in (stdin, feed, theirs):
                os.close(fd)
        os.set_blocking(self.output, False)
        self.silent, self._begun = False, True

    def signal(self, number: signal.Signals) -> None:
        """Signal the process itself."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process and what it has started."""
        if self.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def read(self, now: float) -> list[str]:
        """Take in a piece of output; the lines to show. Nothing there: nothing happens."""
        try:
            piece = os.read(self.output, READ_BYTES)
        except BlockingIOError:
            return []
        self.silent = not piece
        return self.journal.feed(piece, now)

    def ended(self, status: int, now: float) -> list[str]:
        """Note that the process has ended with this wait status; its last lines to show.

        What it leaves running (a helper, a task's own child) is killed.
        """
        self.kill()
        lines: list[str] = []
        with suppress(BlockingIOError):
            for _ in range(MAX_PIECES):  # somebody else may hold its end of the pipe
                if not (piece := os.read(self.output, READ_BYTES)):
                    break
                lines += self.journal.feed(piece, now)
        os.close(self.output)
        self.pid, self.output, self.silent = None, -1, True
        self.death = describe(status, self.journal.last_line())
        return lines


def describe(status: int, last_line: str) -> str:
    """Say how a process ended, by its wait status: `SIGKILL`, `exit 1: what it said last`."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit {code}: {last_line}" if code and last_line else f"exit {code}"


def occupy_low_descriptors() -> None:
    """Have 0..4 open, so that what we open for children never lies where it is to be put."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= LIFELINE:
        pass
    os.close(fd)
    for inner in (inherited.DESCRIPTOR, LIFELINE):
        os.set_inheritable(inner, False)
