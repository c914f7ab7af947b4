"""Owns since when the rate of a running task is measured: recently, not since its start. No I/O.

Some progress events, by their numbers alone, are milestones. The rate is measured from the last but
one: over the last 16 to 32 of what thinning keeps for ever, up to a third of all. So all that is
needed of the past is what thinning keeps, and a thinned history gives the same.
"""

from typing import TypedDict

from milepost_notify.rows import TaskRow
from milepost_notify.thinning import stride

KEPT = 16
"""From one milestone to the next there are so many events that thinning keeps. A power of two:
until two more have come, thinning takes no milestone."""


class Rate(TypedDict):
    """The fields of a task's row that are about its rate."""

    rate_from: float | None
    rate_from_at: int | None
    rate_next: float | None
    rate_next_at: int | None


def begun(at: int, *, first: bool) -> Rate:
    """At the start of an attempt: the first begins at 0, a later one where it resumes."""
    start = (0.0, at) if first else (None, None)
    return _rate(*start, None, None)


def measured(row: TaskRow, n: int, percent: float, at: int) -> Rate:
    """After the progress event of number `n` within its task."""
    base, base_at, last, last_at = (
        row["rate_from"], row["rate_from_at"], row["rate_next"], row["rate_next_at"]
    )  # fmt: skip
    if base is None:
        return _rate(percent, at, last, last_at)
    if n % spacing(n):
        return _rate(base, base_at, last, last_at)
    return _rate(base, base_at, percent, at) if last is None else _rate(last, last_at, percent, at)


def spacing(n: int) -> int:
    """How many events there are from one milestone to the next, around number `n`."""
    return KEPT * stride(n)


def _rate(base: float | None, base_at: int | None, last: float | None, last_at: int | None) -> Rate:
    return {
        "rate_from": base, "rate_from_at": base_at, "rate_next": last, "rate_next_at": last_at,
    }  # fmt: skip
