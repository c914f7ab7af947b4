"""Owns what shall happen to a test's task, and at which of its notes. Pure; makes nothing happen.

A note is a call of `report`, `log`, `save` or `step`, or an item of `track` that is done.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest

from milepost.errors import InvalidValue

At = int | Sequence[int | None] | None
"""A note of the first attempt, counted from 1, or one for each attempt; null: it never happens."""


class WorkerDied(BaseException):
    """Stands for the death of the worker process: no `except Exception` survives it."""


class TimeLimitExceeded(BaseException):
    """What a worker raises into an attempt that runs for too long."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What shall happen to one attempt: each field is a note's number; null: it does not."""

    crash_at: int | None = None
    """The worker dies before this note is told or kept."""
    shut_down_at: int | None = None
    """The same with a worker that is stopped: it hands the task back."""
    time_out_at: int | None = None
    """The time limit is over before this note."""
    cancel_at: int | None = None
    """The owner asks to stop after this note; 0: before the attempt starts."""


def plan(*, crash_at: At, shut_down_at: At, time_out_at: At, cancel_at: At) -> list[Faults]:
    """What shall happen to each attempt, the first one first.

    Raises:
        InvalidValue: a number is negative, or 0 for what happens at a note.
    """
    for number in (*_each(crash_at), *_each(shut_down_at), *_each(time_out_at)):
        if number is not None and number < 1:
            raise InvalidValue(f"notes are counted from 1, not {number}")
    if any(number is not None and number < 0 for number in _each(cancel_at)):
        raise InvalidValue("cancel_at is 0, before the attempt, or the number of a note")
    columns = (_each(crash_at), _each(shut_down_at), _each(time_out_at), _each(cancel_at))
    return [Faults(*row) for row in zip_longest(*columns)]


def check_came_true(
    faults: Sequence[Faults], notes: Sequence[int], cause: BaseException | None
) -> None:
    """Refuse a plan that did not come true: its test would test nothing.

    Args:
        notes: how many each attempt made.
        cause: what the function has raised, perhaps too early.

    Raises:
        InvalidValue: something was to happen at a note that was never made.
    """
    for number, fault in enumerate(faults):
        made = notes[number] if number < len(notes) else None
        for what, note in asdict(fault).items():
            if note is not None and (made is None or note > made):
                made_text = "never came" if made is None else f"made {made} notes"
                raise InvalidValue(f"{what}={note}: attempt {number + 1} {made_text}") from cause


def _each(at: At) -> Sequence[int | None]:
    if at is None:
        return ()
    return (at,) if isinstance(at, int) else at
