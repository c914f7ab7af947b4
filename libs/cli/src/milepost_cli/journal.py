"""Owns one process' log file, of bounded size. Says which lines to show, shows none itself."""

import os
import re
from pathlib import Path

MAX_BYTES = 4 * 1024 * 1024
"""Two files of this size are kept for each process: the current one and `.1` before it."""
MAX_LINE_BYTES = 16 * 1024
SHOWN_PER_WINDOW = 10
WINDOW_SECONDS = 10.0

# What milepost.logs writes, as text or JSON. Other output (a traceback, a print, Valkey's) is not
# shown: its last line is, when the process dies of it.
NOTABLE = re.compile(
    rb"^\d\d:\d\d:\d\d\.\d{3} (?:WARNING|ERROR|CRITICAL) "
    rb'|^\{.*"level": "(?:WARNING|ERROR|CRITICAL)"'
)
WARNING = re.compile(rb'^\S+ WARNING |^\{.*"level": "WARNING"')
LOGGED = re.compile(r"^(?:\d\d:\d\d:\d\d\.\d{3} [A-Z]+ +|(?=\{))")


class Journal:
    """The log of one process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last = b""
        self._tail = b""
        self._window_end = 0.0
        self._shown = 0
        self._file = -1
        self._size = 0

    def feed(self, output: bytes, now: float) -> list[str]:
        """Write down what the process said; the lines to show, at most 10 in 10 s.

        Args:
            output: any piece of it; half a line waits for its other half.
            now: seconds of a monotonic clock.
        """
        self._store(output)
        *lines, self._tail = (self._tail + output).split(b"\n")
        if len(self._tail) > MAX_LINE_BYTES:
            lines, self._tail = [*lines, self._tail], b""
        shown: list[str] = []
        for line in lines:
            if line.strip():
                self._last = line
            if NOTABLE.match(line):
                shown += self._admit(_printable(line), now)
        return shown

    def last_line(self) -> str:
        """What it said last, without prefixes of ours; "" if that is no sign of trouble."""
        line = _printable(self._tail if self._tail.strip() else self._last)
        raw = line.encode()
        if LOGGED.match(line) and (not NOTABLE.match(raw) or WARNING.match(raw)):
            return ""  # a warning is no reason to die
        return LOGGED.sub("", line, count=1).removeprefix("milepost: ")

    def begin(self) -> None:
        """The process starts anew: what it said before does not explain its next end."""
        self._last = self._tail = b""

    def note(self, line: str) -> None:
        """Write down a line of the supervisor's."""
        self._store(line.encode(errors="replace") + b"\n")

    def _admit(self, line: str, now: float) -> list[str]:
        if now >= self._window_end:
            self._window_end, self._shown = now + WINDOW_SECONDS, 0
        self._shown += 1
        if self._shown > SHOWN_PER_WINDOW:
            return []
        more = [f"... there may be more of these in {self.path}"]
        return [line, *(more if self._shown == SHOWN_PER_WINDOW else [])]

    def _store(self, data: bytes) -> None:
        """Append; a disk that is full or gone must not stop what keeps the processes alive."""
        try:
            if self._file >= 0 and self._size > MAX_BYTES:
                os.close(self._file)
                self._file = -1
                self.path.replace(f"{self.path}.1")
            if self._file < 0:
                self._file = os.open(self.path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
                self._size = os.fstat(self._file).st_size
            self._size += os.write(self._file, data)
        except OSError:
            return


def _printable(line: bytes) -> str:
    """One line that does to a terminal nothing but appear there."""
    text = line[:MAX_LINE_BYTES].decode(errors="replace").strip()
    return "".join(char if char.isprintable() else "?" for char in text)
