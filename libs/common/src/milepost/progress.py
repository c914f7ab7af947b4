"""Owns what a running task notes about itself. Sends nothing: a flusher reads the newest snapshot.

Noting is an attribute store: it never waits for a lock or a network, so that a tight loop may
report as often as it likes. One thread writes, others read; what belongs together (percent, count,
total, step) is replaced as one object, so that no reader ever sees half of it. Only `save` waits,
since an item counts as done when the log has answered.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from operator import length_hint
from typing import Any, NamedTuple, TypeVar

from pydantic_core import from_json, to_json

from milepost.errors import Cancelled

Item = TypeVar("Item")
MAX_MESSAGE_CHARS = 500
MAX_STATE_BYTES = 64 * 1024
MOST_PERCENT = 99.9
"""A running task never reads 100: that is for success alone."""
MOST_AMOUNT = 1e300
"""Of more, percents cannot be worked out."""


class Snapshot(NamedTuple):
    """The newest of everything, as an event tells it."""

    percent: float | None
    """0..99.9, rounded down to a tenth; null while indeterminate."""
    done: float | None
    total: float | None
    message: str | None
    step: str | None

    def told(self) -> dict[str, Any]:
        """The data of the TaskProgressed that tells it, without what has its default."""
        rest = {"done": self.done, "total": self.total, "message": self.message, "step": self.step}
        data: dict[str, Any] = {"progress": self.percent or 0}
        if self.percent is None:
            data["indeterminate"] = True
        return data | {name: value for name, value in rest.items() if value is not None}


class _Frame(NamedTuple):
    """The part of the bar that reports move in: all of it, or a step's share."""

    step: str | None
    low: float
    high: float
    span: float
    """What a weight of 1 is worth in percent."""


_WHOLE = _Frame(None, 0.0, 100.0, 100.0)


class _Spot:
    """Where a task is. Only `done` of a tracked one changes, and only upwards."""

    __slots__ = ("done", "frame", "percent", "total")

    def __init__(
        self, frame: _Frame, percent: float | None, done: float | None, total: float | None
    ) -> None:
        self.frame = frame
        self.percent = percent
        self.done = done
        self.total = total


class Progress:
    """Handed to a task function that has a parameter annotated `Progress`."""

    __slots__ = (
        "_cancelled",
        "_keep",
        "_message",
        "_spot",
        "_state",
        "_tracks",
        "_tracks_used",
        "lines",
    )

    def __init__(self, saved: bytes = b"", keep: Callable[[bytes], None] | None = None) -> None:
        """For the worker and for tests.

        Args:
            saved: what an earlier attempt kept.
            keep: stores a state and returns when it is safe; null: nowhere but here.
        """
        stored: dict[str, Any] = from_json(saved) if saved else {}
        self._spot = _Spot(_WHOLE, None, None, None)
        self._message: str | None = None
        self._cancelled = False
        self._keep = keep
        self._state: Any = stored.get("state")
        self._tracks: list[int] = stored.get("tracks", [])
        self._tracks_used = 0
        self.lines: deque[str] = deque(maxlen=1000)
        """Log lines not told yet; for the worker."""

    def report(
        self,
        percent: float | None = None,
        *,
        done: float | None = None,
        total: float | None = None,
        message: str | None = None,
    ) -> None:
        """Note how far the task (or the current step) is: `percent` 0..100, or `done` of `total`,
        or just a message.

        What is not given stays as it was. People see the newest note, at most about 10 times a
        second, never a smaller percent within an attempt, and 100 only after success.

        Raises:
            ValueError: a number is negative, not finite, or a percent above 100.
            Cancelled: the owner has asked to stop.
        """
        if self._cancelled:
            raise Cancelled
        spot = self._spot
        if percent is not None:
            percent = _plain(percent)
            if not 0 <= percent <= 100:
                raise ValueError(f"percent has to be 0..100, not {percent!r}")
            self._spot = _Spot(
                spot.frame, percent, _amount(done, spot.done), _amount(total, spot.total)
            )
        elif done is not None or total is not None:
            self._spot = _Spot(
                spot.frame, None, _amount(done, spot.done), _amount(total, spot.total)
            )
        if message is not None:
            self._message = str(message)

    def track(
        self,
        items: Iterable[Item],
        *,
        total: int | None = None,
        message: str | None = None,
        resume: bool = False,
    ) -> Iterator[Item]:
        """Yield `items`, counting each as done when the next is asked for.

        Args:
            total: how many there are; taken from `items` where it knows. Without it the bar is
                indeterminate and only counts.
            resume: go on where an earlier attempt was, which needs the same items in the same
                order: an item counts as done for good before the next is given, so that after a
                crash at most the one in hand is given again.

        Raises:
            Cancelled: the owner has asked to stop.
        """
        known = length_hint(items, -1) if total is None else total
        if message is not None:
            self._message = str(message)
        spot = _Spot(self._spot.frame, None, 0, _amount(known, None) if known >= 0 else None)
        if resume:
            return self._track_resumed(items, spot)
        self._spot = spot
        return self._track(items, spot)

    def _track(self, items: Iterable[Item], spot: _Spot) -> Iterator[Item]:
        for done, item in enumerate(items, 1):
            if self._cancelled:
                raise Cancelled
            yield item
            spot.done = done

    def _track_resumed(self, items: Iterable[Item], spot: _Spot) -> Iterator[Item]:
        number = self._tracks_used
        self._tracks_used += 1
        if number == len(self._tracks):
            self._tracks.append(0)
        skipped = spot.done = self._tracks[number]
        self._spot = spot
        for done, item in enumerate(islice(items, skipped, None), skipped + 1):
            if self._cancelled:
                raise Cancelled
            yield item
            self._tracks[number] = done
            self._store()
            spot.done = done

    @contextmanager
    def step(self, name: str, weight: float = 0.0) -> Generator[None]:
        """Do a named part of the work; steps may be nested.

        Args:
            name: shown to the owner.
            weight: its share, 0..1, of what encloses it: reports inside move the bar within that
                share, and leaving it has moved the bar past it. Shares beyond 1 in all count as
                what is left. Without a weight the step has a name and moves nothing.

        Raises:
            ValueError: the weight is none.
        """
        if not 0 <= weight <= 1:
            raise ValueError(f"a weight has to be 0..1, not {weight!r}")
        if self._cancelled:
            raise Cancelled
        outer = self._spot.frame
        high = min(outer.high, outer.low + weight * outer.span)
        inner = _Frame(_clean(str(name)), outer.low, high, high - outer.low)
        self._spot = _Spot(inner, 0.0 if weight or outer.low else None, None, None)
        try:
            yield
        except BaseException:
            self._spot = _Spot(outer, 0.0 if outer.low else None, None, None)
            raise
        after = _Frame(outer.step, high, outer.high, outer.span)
        self._spot = _Spot(after, 0.0 if high else None, None, None)

    def log(self, text: str) -> None:
        """Write a line for the owner, up to 500 characters; at most 1,000 lines a task are kept."""
        if self._cancelled:
            raise Cancelled
        self.lines.append(_clean(str(text)) or "")

    def save(self, state: Any) -> None:
        """Keep a state, JSON of at most 64 KiB, to go on from in a later attempt; waits until kept.

        Raises:
            ValueError: it is no JSON, or too large.
            Cancelled: the owner has asked to stop.
        """
        self._state = state
        self._store()

    @property
    def saved(self) -> Any:
        """The state last saved, by this or an earlier attempt; null when there is none."""
        return self._state

    @property
    def cancelled(self) -> bool:
        """Whether the owner has asked to stop. A task may still succeed."""
        return self._cancelled

    def cancel(self) -> None:
        """Make the next progress call raise; for the worker."""
        self._cancelled = True

    def snapshot(self) -> Snapshot:
        """What to tell now; for the worker."""
        spot, message = self._spot, self._message
        percent, done, total, frame = spot.percent, spot.done, spot.total, spot.frame
        if percent is None and done is not None and total:
            percent = min(100.0, 100 * done / total)
        if percent is not None:
            percent = frame.low + (frame.high - frame.low) * percent / 100
            percent = min(MOST_PERCENT, int(percent * 10) / 10)
        return Snapshot(percent, done, total, _clean(message), frame.step)

    def _store(self) -> None:
        if self._cancelled:
            raise Cancelled
        raw = to_json({"state": self._state, "tracks": self._tracks}, inf_nan_mode="null")
        if len(raw) > MAX_STATE_BYTES:
            raise ValueError(f"the state has {len(raw)} bytes, at most {MAX_STATE_BYTES} are kept")
        if self._keep is not None:
            self._keep(raw)


def _amount(value: float | None, before: float | None) -> float | None:
    if value is None:
        return before
    value = _plain(value)
    if not 0 <= value <= MOST_AMOUNT:
        raise ValueError(f"done and total have to be numbers from 0, not {value!r}")
    return value


def _plain(value: float) -> float:
    """A number that JSON knows: what other libraries count with may stop the flusher for all."""
    return value if value.__class__ in (int, float) else float(value)


def _clean(message: str | None) -> str | None:
    """What may be shown: without control characters and surrogates, 500 characters at most."""
    if message is None or (len(message) <= MAX_MESSAGE_CHARS and message.isprintable()):
        return message
    text = str(message)[: MAX_MESSAGE_CHARS + 1].encode("utf-8", "replace").decode()
    text = "".join(char if char.isprintable() else " " for char in text)
    return text if len(text) <= MAX_MESSAGE_CHARS else text[: MAX_MESSAGE_CHARS - 1] + "…"
