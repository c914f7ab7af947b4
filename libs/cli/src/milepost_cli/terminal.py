"""Owns what `up` says to whoever started it. Never waits for a reader."""

import json
import os
import select
from collections.abc import Callable

from milepost_cli.journal import Journal

STDOUT, STDERR = 1, 2
MAX_BYTES = 4096
"""What a pipe that counts as writable takes without blocking (PIPE_BUF)."""


class Terminal:
    """Lines of the supervisor and the notable ones of its children.

    Whoever reads slowly or not at all misses lines (they are in the log files): a supervisor that
    waits for its reader heals nothing.
    """

    def __init__(self, log_format: str | None, journal: Journal, now: Callable[[], str]) -> None:
        """Make one.

        Args:
            log_format: MILEPOST_LOG_FORMAT; with `json` every line on stderr is an object.
            journal: keeps what we say ourselves.
            now: the time as RFC 3339, for JSON lines.
        """
        self._json = log_format == "json"
        self._journal = journal
        self._now = now

    def greet(self, text: str) -> None:
        """Show a few lines on standard output."""
        _write(STDOUT, text)

    def say(self, text: str, *, level: str = "INFO") -> None:
        """Say one line of our own."""
        self._journal.note(f"{self._now()} {level:<7} {text}")
        if self._json:
            line = {
                "at": self._now(), "level": level, "service": "up", "logger": "milepost_cli.up",
                "message": text,
            }  # fmt: skip
            _write(STDERR, json.dumps(line, ensure_ascii=False) + "\n")
        else:
            _write(STDERR, f"milepost: {text}\n")

    def relay(self, name: str, line: str) -> None:
        """Pass on a line of the child `name`."""
        if not self._json:
            _write(STDERR, f"{name}: {line}\n")
        elif line.startswith("{"):
            _write(STDERR, f"{line}\n")
        else:
            self.say(f"{name}: {line}", level="WARNING")


def _write(fd: int, text: str) -> None:
    data = text.encode(errors="replace")
    if len(data) > MAX_BYTES:
        data = data[: MAX_BYTES - 4] + b"...\n"
    try:
        if select.select([], [fd], [], 0)[1]:
            os.write(fd, data)
    except OSError:  # nobody is there any more
        return
