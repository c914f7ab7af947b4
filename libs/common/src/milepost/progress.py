"""Owns what a running task notes about itself. Sends nothing: a flusher reads the newest snapshot.

Noting is an attribute store: it never waits for a lock or a network, so that a tight loop may
report as often as it likes. One thread writes, one reads; each field is replaced whole.
"""

from collections.abc import Iterable, Iterator
from operator import length_hint
from typing import NamedTuple, TypeVar

from milepost.errors import Cancelled

Item = TypeVar("Item")
MAX_MESSAGE_CHARS = 500
MOST_PERCENT = 99.9
"""A running task never reads 100: that is for success alone."""


class Snapshot(NamedTuple):
    """The newest of everything, as an event tells it."""

    percent: float | None
    """0..99.9, rounded down to a tenth; null while indeterminate."""
    done: float | None
    total: float | None
    message: str | None
    step: str | None


class Progress:
    """Handed to a task function that has a parameter annotated `Progress`."""

    __slots__ = ("_cancelled", "_done", "_message", "_percent", "_step", "_total")

    def __init__(self) -> None:
        self._percent: float | None = None
        self._done: float | None = None
        self._total: float | None = None
        self._message: str | None = None
        self._step: str | None = None
        self._cancelled = False

    def report(
        self,
        percent: float | None = None,
        *,
        done: float | None = None,
        total: float | None = None,
        message: str | None = None,
    ) -> None:
        """Note how far the task is: `percent` 0..100, or `done` of `total`, or just a message.

        What is not given stays as it was. People see the newest note, at most about 10 times a
        second, never a smaller percent within an attempt, and 100 only after success.

        Raises:
            ValueError: a number is negative, not finite, or a percent above 100.
            Cancelled: the owner has asked to stop.
        """
        if self._cancelled:
            raise Cancelled
        if percent is not None:
            if not 0 <= percent <= 100:
                raise ValueError(f"percent has to be 0..100, not {percent!r}")
            self._percent = percent
        if done is not None:
            self._done = _amount("done", done)
            if percent is None:
                self._percent = None
        if total is not None:
            self._total = _amount("total", total)
        if message is not None:
            self._message = message

    def track(
        self, items: Iterable[Item], *, total: int | None = None, message: str | None = None
    ) -> Iterator[Item]:
        """Yield `items`, counting each as done when the next is asked for.

        Args:
            total: how many there are; taken from `items` where it knows. Without it the bar is
                indeterminate and only counts.

        Raises:
            Cancelled: the owner has asked to stop.
        """
        known = length_hint(items, -1) if total is None else total
        self._percent = None
        self._total = known if known >= 0 else None
        done = 0
        self._done = done
        if message is not None:
            self._message = message
        for item in items:
            if self._cancelled:
                raise Cancelled
            yield item
            done += 1
            self._done = done

    @property
    def cancelled(self) -> bool:
        """Whether the owner has asked to stop. A task may still succeed."""
        return self._cancelled

    def cancel(self) -> None:
        """Make the next progress call raise; for the worker."""
        self._cancelled = True

    def snapshot(self) -> Snapshot:
        """What to tell now; for the worker."""
        percent, done, total = self._percent, self._done, self._total
        if percent is None and done is not None and total:
            percent = 100 * done / total
        if percent is not None:
            percent = min(MOST_PERCENT, int(percent * 10) / 10)
        return Snapshot(percent, done, total, _clean(self._message), self._step)


def _amount(name: str, value: float) -> float:
    if not 0 <= value < float("inf"):
        raise ValueError(f"{name} has to be a number from 0, not {value!r}")
    return value


def _clean(message: str | None) -> str | None:
    """What may be shown: without control characters and surrogates, 500 characters at most."""
    if message is None or (message.isprintable() and len(message) <= MAX_MESSAGE_CHARS):
        return message
    text = str(message).encode("utf-8", "replace").decode()
    text = "".join(char if char.isprintable() else " " for char in text)
    return text if len(text) <= MAX_MESSAGE_CHARS else text[: MAX_MESSAGE_CHARS - 1] + "…"
