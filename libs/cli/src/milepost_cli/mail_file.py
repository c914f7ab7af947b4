"""Owns the file of caught mails: appends durably, reads the latest. Decodes no message.

One line of JSON a mail, exactly as `/dev/mail` gives it: 10,000 mails are one file and are handed
on without being parsed.
"""

import os
from collections.abc import Iterator
from pathlib import Path

NAME = "mails.jsonl"
BLOCK_BYTES = 256 * 1024


class MailFile:
    """The file, for its one writer."""

    def __init__(self, folder: Path) -> None:
        """Open it; half a line that a kill left behind is cut off: nobody was told it was kept."""
        path = folder / NAME
        self._fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
        self._size = _whole(self._fd)
        os.ftruncate(self._fd, self._size)
        folder_fd = os.open(folder, os.O_RDONLY)
        os.fsync(folder_fd)
        os.close(folder_fd)

    def append(self, line: bytes) -> None:
        """Add a line (without newline inside or at its end); on the disk when this returns.

        Raises:
            OSError: there is no room; the file is as before.
        """
        data = memoryview(line + b"\n")
        try:
            while data:
                data = data[os.write(self._fd, data) :]
            os.fsync(self._fd)
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(line) + 1


def _whole(fd: int) -> int:
    """The size up to the end of the last whole line."""
    end = os.fstat(fd).st_size
    while end > 0:
        start = max(0, end - BLOCK_BYTES)
        newline = os.pread(fd, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


class MailView:
    """What was in the file when it was opened for reading; mails that come later are not in it."""

    def __init__(self, folder: Path, limit: int | None) -> None:
        """Look at the last `limit` mails (None: all). No file yet: no mails."""
        try:
            self._fd = os.open(folder / NAME, os.O_RDONLY)
        except FileNotFoundError:
            self._fd = os.open(os.devnull, os.O_RDONLY)
        self._end = _whole(self._fd)
        self._start, self.total = self._find(limit)

    def close(self) -> None:
        """Close the file; may be called again."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def lines(self) -> Iterator[list[bytes]]:
        """The mails, oldest first, some at a time."""
        tail = b""
        position = self._start
        while position < self._end:
            piece = os.pread(self._fd, min(BLOCK_BYTES, self._end - position), position)
            position += len(piece)
            *lines, tail = (tail + piece).split(b"\n")
            yield lines

    def _find(self, limit: int | None) -> tuple[int, int]:
        """Where the last `limit` lines begin, and how many there are in all."""
        total, start, end = 0, 0, self._end
        found = limit is None
        while end > 0:
            begin = max(0, end - BLOCK_BYTES)
            block = os.pread(self._fd, end - begin, begin)
            count = block.count(b"\n")
            if not found and limit is not None and total + count > limit:
                # Before the first wanted line is the (limit - total + 1)-th newline from the end.
                at = len(block)
                for _ in range(limit - total + 1):
                    at = block.rfind(b"\n", 0, at)
                start, found = begin + at + 1, True
            total, end = total + count, begin
        return start, total
