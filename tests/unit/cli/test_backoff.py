"""How long a process that died is left alone."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from milepost_cli.backoff import FIRST_SECONDS, HEALTHY_SECONDS, LONGEST_SECONDS, Backoff


def test_waiting_doubles_up_to_five_seconds() -> None:
    backoff = Backoff()
    waited = [backoff.after(0.0) for _ in range(8)]
    assert waited == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_waiting_begins_anew_after_a_healthy_life() -> None:
    backoff = Backoff()
    for _ in range(6):
        backoff.after(0.0)
    assert backoff.after(HEALTHY_SECONDS) == FIRST_SECONDS
    assert backoff.after(HEALTHY_SECONDS - 0.1) == 2 * FIRST_SECONDS


@given(st.lists(st.floats(min_value=0, max_value=100), min_size=2))
def test_waiting_is_always_within_its_bounds_and_at_most_doubles(lives: list[float]) -> None:
    backoff = Backoff()
    waited = [backoff.after(life) for life in lives]
    assert all(FIRST_SECONDS <= seconds <= LONGEST_SECONDS for seconds in waited)
    assert all(after <= 2 * before for before, after in pairwise(waited))
