"""What a task notes is what people may be told: honest, bounded, never 100."""

import json
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost import Cancelled, Progress, Retry
from milepost.events import TaskProgressed

PERCENT = st.floats(0, 100)


@given(PERCENT)
def test_a_running_task_never_reads_100(percent: float):
    progress = Progress()
    progress.report(percent)
    told = progress.snapshot().percent
    assert told is not None
    assert 0 <= told <= 99.9
    assert told <= percent


def test_tracking_counts_an_item_as_done_when_the_next_is_asked_for():
    progress = Progress()
    seen = [progress.snapshot().done for _ in progress.track("abcd", message="m")]
    assert seen == [0, 1, 2, 3]
    assert progress.snapshot() == (99.9, 4, 4, "m", None)


def test_tracking_what_has_no_length_is_indeterminate_and_counts():
    progress = Progress()
    for _ in progress.track(item for item in "ab"):
        assert progress.snapshot().percent is None
    assert progress.snapshot()[:3] == (None, 2, None)


def test_done_of_total_makes_a_percent_and_a_message_alone_changes_none():
    progress = Progress()
    progress.report(done=1, total=3)
    progress.report(message="half way")
    assert progress.snapshot() == (33.3, 1, 3, "half way", None)


@pytest.mark.parametrize("percent", [-1, 100.1, float("nan"), float("inf")])
def test_a_percent_that_is_none_is_an_error_in_the_task(percent: float):
    with pytest.raises(ValueError, match="percent"):
        Progress().report(percent)


@pytest.mark.parametrize("done", [-1, float("nan"), float("inf")])
def test_an_amount_that_is_none_is_an_error_in_the_task(done: float):
    with pytest.raises(ValueError, match="done"):
        Progress().report(done=done)


NOTES: dict[str, Callable[[Progress, Any], object]] = {
    "percent": lambda progress, value: progress.report(value),
    "done": lambda progress, value: progress.report(done=value),
    "total": lambda progress, value: progress.report(done=1, total=value),
    "message": lambda progress, value: progress.report(message=value),
    "track": lambda progress, value: next(iter(progress.track("ab", total=value))),
    "track's message": lambda progress, value: next(iter(progress.track("ab", message=value))),
    "step": lambda progress, value: progress.step(value, weight=0.5).__enter__(),
    "line": lambda progress, value: progress.log(value),
}


@pytest.mark.parametrize("note", NOTES.values(), ids=NOTES.keys())
@pytest.mark.parametrize(
    "value",
    [1, 1.5, True, Decimal(3), Fraction(1, 3), 10**400, float("inf"), Path("a"), ValueError("b"),
     b"\xff", None, [], "\ud800"],
    ids=lambda value: f"{value!r:.20}",
)  # fmt: skip
def test_what_a_note_takes_can_be_told(note: Callable[[Progress, Any], object], value: object):
    """It is told by a thread that serves all tasks: nothing of it may fail there."""
    progress = Progress()
    try:
        note(progress, value)
    except (ValueError, TypeError):
        return  # where the task sees it
    told = TaskProgressed.model_validate_json(json.dumps(progress.snapshot().told()))
    assert 0 <= told.progress <= 99.9
    assert told.done is None or told.done < float("inf")
    assert told.total is None or told.total < float("inf")
    assert all(isinstance(line, str) for line in progress.lines)


def test_nested_steps_add_up_to_one_bar():
    progress = Progress()
    percents: list[float | None] = []

    def look() -> None:
        percents.append(progress.snapshot().percent)

    with progress.step("a", weight=0.5):
        look()
        with progress.step("b", weight=0.25):
            for _ in progress.track("abcd"):
                look()
        with progress.step("c", weight=0.75):
            progress.report(50)
            look()
        look()
    with progress.step("named only"):
        look()
    with progress.step("d", weight=0.9):  # more than is left is what is left
        progress.report(100)
        look()
    look()
    assert percents == [0, 0, 3.1, 6.2, 9.3, 31.2, 50, 50, 99.9, 99.9]
    assert progress.snapshot().step is None


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e300, 365 * 24 * 3600 + 1])
def test_a_retry_that_never_comes_is_an_error_in_the_task(seconds: float):
    with pytest.raises(ValueError, match="year"):
        raise Retry(after_seconds=seconds)


@given(st.text(max_size=800))
def test_any_message_can_be_shown(message: str):
    progress = Progress()
    progress.report(message=message)
    shown = progress.snapshot().message
    assert shown is not None
    assert len(shown) <= 500
    assert shown.encode().decode().isprintable()


def test_a_task_asked_to_stop_stops_at_its_next_progress_call():
    progress = Progress()
    progress.cancel()
    assert progress.cancelled
    with pytest.raises(Cancelled):
        progress.report(1)
    with pytest.raises(Cancelled):
        next(iter(progress.track("ab")))
