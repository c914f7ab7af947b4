"""How many started tasks may wait for a thread."""

from hypothesis import given
from hypothesis import strategies as st

from milepost_worker.pace import MOST, WAIT_SECONDS, Pace

SECONDS = st.floats(min_value=0, max_value=3600)


def test_nothing_is_taken_ahead_before_it_is_known_how_long_tasks_take():
    assert Pace(8).places == 8


def test_tasks_that_take_no_time_are_taken_ahead():
    pace = Pace(8)
    pace.ran(0.0)
    assert pace.places == 8 * (1 + MOST)


def test_one_slow_task_ends_it_at_once():
    pace = Pace(8)
    pace.ran(0.0)
    pace.ran(1.0)
    assert pace.places == 8


def test_short_tasks_after_a_late_one_bring_it_back():
    pace = Pace(8)
    pace.was_late()
    assert pace.places == 8
    for _ in range(100):
        pace.ran(0.0001)
    assert pace.places == 8 * (1 + MOST)


@given(st.lists(SECONDS, min_size=1), st.integers(1, 64))
def test_who_waits_behind_tasks_of_the_seen_length_waits_little(lengths: list[float], threads: int):
    pace = Pace(threads)
    for seconds in lengths:
        pace.ran(seconds)
    ahead = pace.places / threads - 1
    assert 0 <= ahead <= MOST
    assert ahead == 0 or lengths[-1] <= WAIT_SECONDS
