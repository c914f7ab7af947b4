"""Owns a Progress that tells of every note, where a worker looks ten times a second. Pure."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from milepost.errors import Cancelled
from milepost.progress import Progress

Item = TypeVar("Item")


class Watch(Protocol):
    """Who is told."""

    def before(self) -> None:
        """A note is about to be made; what this raises, the task function sees."""
        ...

    def noted(self) -> None:
        """The note has been made."""
        ...

    def look(self) -> None:
        """Something may have changed that is no note."""
        ...


class ObservedProgress(Progress):
    """Does what Progress does."""

    __slots__ = ("_watch",)

    def __init__(self, saved: bytes, keep: Callable[[bytes], None], watch: Watch) -> None:
        super().__init__(saved, keep)
        self._watch = watch

    def report(
        self,
        percent: float | None = None,
        *,
        done: float | None = None,
        total: float | None = None,
        message: str | None = None,
    ) -> None:
        """As Progress does."""
        self._watch.before()
        super().report(percent, done=done, total=total, message=message)
        self._watch.noted()

    def track(
        self,
        items: Iterable[Item],
        *,
        total: int | None = None,
        message: str | None = None,
        resume: bool = False,
    ) -> Iterator[Item]:
        """As Progress does; each item that is done is a note."""
        return self._observed(super().track(items, total=total, message=message, resume=resume))

    def _observed(self, tracked: Iterator[Item]) -> Iterator[Item]:
        """Asking `tracked` for an item is what counts the one before as done."""
        none: Any = object()
        item = next(tracked, none)
        self._watch.look()
        while item is not none:
            yield item
            self._watch.before()
            item = next(tracked, none)
            self._watch.noted()
            if item is not none and self.cancelled:
                raise Cancelled

    @contextmanager
    def step(self, name: str, weight: float = 0.0) -> Generator[None]:
        """As Progress does; entering is a note."""
        self._watch.before()
        with super().step(name, weight):
            self._watch.noted()
            yield
        self._watch.look()

    def log(self, text: str) -> None:
        """As Progress does."""
        self._watch.before()
        super().log(text)
        self._watch.noted()

    def save(self, state: Any) -> None:
        """As Progress does."""
        self._watch.before()
        super().save(state)
        self._watch.noted()
