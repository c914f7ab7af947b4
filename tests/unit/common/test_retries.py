"""When a failed attempt is tried again."""

from milepost.retries import FIRST_SECONDS, LONGEST_SECONDS, delay_seconds


def test_the_bound_doubles_up_to_ten_minutes_and_chance_picks_below_it():
    bounds = [delay_seconds(failures, lambda: 1.0) for failures in range(1, 13)]
    assert bounds == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]
    assert (FIRST_SECONDS, LONGEST_SECONDS) == (2, 600)
    assert delay_seconds(10_000, lambda: 1.0) == LONGEST_SECONDS
    assert delay_seconds(3, lambda: 0.25) == 2
    assert delay_seconds(3, lambda: 0.0) == 0
