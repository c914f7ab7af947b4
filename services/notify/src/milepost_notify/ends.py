"""Owns how many attempts ended lately, minute by minute, for operators' charts. Pure."""

from collections.abc import Iterable
from typing import NamedTuple, TypedDict

MINUTES = 60
MINUTE_MS = 60_000
ENDS = {
    "task.succeeded": "succeeded",
    "task.failed": "failed",
    "task.retrying": "retrying",
    "task.cancelled": "cancelled",
}
"""Types of the events that end an attempt, and what it is called."""


class EndCount(NamedTuple):
    """So many attempts of one kind ended alike in one minute."""

    task_type: str
    queue: str
    event: str
    """One of `ENDS`."""
    minute: int
    """Since the epoch."""
    times: int


class Ended(NamedTuple):
    """What ended lately in all partitions."""

    counts: list[EndCount]
    since_ms: int
    """Nothing older was counted: so much was too much to look at, or so long was asked for."""


class EndRate(TypedDict):
    """Of one type in one queue: numbers of each minute, oldest first."""

    type: str
    queue: str
    succeeded: list[int]
    failed: list[int]
    retrying: list[int]
    cancelled: list[int]


def first_minute(now_ms: int) -> int:
    """The oldest of the minutes that are told, the one of now being the last."""
    return now_ms // MINUTE_MS - MINUTES + 1


def rates(counts: Iterable[EndCount], now_ms: int) -> list[EndRate]:
    """A series for each type and queue, by name; what is a little outside counts at its edge."""
    first = first_minute(now_ms)
    found: dict[tuple[str, str], EndRate] = {}
    for each in counts:
        key = each.task_type, each.queue
        rate = found.get(key)
        if rate is None:
            none: dict[str, list[int]] = {end: [0] * MINUTES for end in ENDS.values()}
            rate = found[key] = EndRate(type=key[0], queue=key[1], **none)  # pyright: ignore  # exactly its keys
        rate[ENDS[each.event]][min(max(each.minute - first, 0), MINUTES - 1)] += each.times  # pyright: ignore  # the same
    return [found[key] for key in sorted(found)]
