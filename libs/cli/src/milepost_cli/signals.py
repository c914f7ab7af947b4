"""Owns turning signals into something a selector can wait for. Decides nothing about them."""

import os
import selectors
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """While entered: a callback at each request to stop; the end of a child just wakes us up."""

    def __init__(self, selector: selectors.BaseSelector, stop: Callable[[], None]) -> None:
        self._selector = selector
        self._stop = stop
        self._ours, self._theirs = -1, -1

    def __enter__(self) -> Self:
        self._ours, self._theirs = os.pipe()
        for fd in (self._ours, self._theirs):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(self._theirs, warn_on_full_buffer=False)
        for number in (*STOPPING, signal.SIGCHLD):
            # Under nohup a closed terminal is no reason to stop. An ignored SIGINT is one all the
            # same: shells ignore it for whatever they start in the background.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, _wake)
        self._selector.register(self._ours, selectors.EVENT_READ, self._read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(-1)
        self._selector.unregister(self._ours)
        os.close(self._ours)
        os.close(self._theirs)

    def _read(self, _now: float) -> None:
        for number in os.read(self._ours, 4096):
            if number in STOPPING:
                self._stop()


def _wake(_signal: int, _frame: FrameType | None) -> None:
    """Nothing: its number is in the pipe already."""
