"""What a task notes is what people may be told: honest, bounded, never 100."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost import Cancelled, Progress

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
