"""A ratio that has fallen by more than a third is said, and a machine that is disturbed is not."""

from dataclasses import replace

import pytest

from benches.stage.guard import GUARDED, GUARDS, SIZES, fallen
from benches.stage.page import Page
from benches.stage.table import Result, Row

RATE, COST = "enqueued one by one /s: ours", "Milepost progress.track, ns an iteration"


def measured(bench: str, *, ours: list[float], peer: list[float]) -> Result:
    """A run in which every guarded ratio has these figures."""
    return Result([Row(what, ours, peer) for what in GUARDED[bench]], "Python 3.")


def weighed(*figures: float) -> Result:
    """A run in which every guarded size of `memory` has these figures."""
    return Result([Row(what, figures) for what in SIZES["memory"]], "Python 3.")


@pytest.fixture
def rate() -> Result:
    """Give published figures of 0.9 of a peer's rate."""
    return measured("queue", ours=[90, 80, 95], peer=[100, 90, 110])


@pytest.fixture
def cost() -> Result:
    """Give published figures of half of a peer's cost."""
    return measured("progress", ours=[50], peer=[100])


def test_a_rate_that_has_halved_has_fallen_and_a_line_says_from_what_to_what(rate: Result) -> None:
    falls = list(fallen("queue", rate, [measured("queue", ours=[45, 44], peer=[100, 99])]))
    assert {fall.what for fall in falls} == set(GUARDED["queue"])
    assert (
        f"{RATE}: 0.45 of its peer, published 0.9: worse by more than a third"
        in map(str, falls)
    )  # fmt: skip


def test_a_cost_that_has_doubled_has_fallen(cost: Result) -> None:
    falls = list(fallen("progress", cost, [measured("progress", ours=[100], peer=[100])]))
    assert COST in {fall.what for fall in falls}


@pytest.mark.parametrize(("bench", "ours"), [("queue", 62), ("progress", 73)])
def test_what_is_worse_by_less_than_a_third_stands(bench: str, ours: float) -> None:
    published = measured(bench, ours=[90 if bench == "queue" else 50], peer=[100])
    assert list(fallen(bench, published, [measured(bench, ours=[ours], peer=[100])])) == []


def test_a_machine_twice_as_slow_changes_no_ratio(rate: Result) -> None:
    assert list(fallen("queue", rate, [measured("queue", ours=[45], peer=[50])])) == []


def test_rounds_that_were_disturbed_do_not_count_beside_one_that_was_not(rate: Result) -> None:
    disturbed = measured("queue", ours=[30, 41], peer=[100, 98])
    assert list(fallen("queue", rate, [disturbed]))
    assert (
        list(fallen("queue", rate, [disturbed, measured("queue", ours=[28, 85], peer=[100])])) == []
    )


def test_a_peer_that_was_disturbed_hides_no_fall_beside_a_round_in_which_it_was_not(
    rate: Result,
) -> None:
    slow = [measured("queue", ours=[45], peer=[50]), measured("queue", ours=[44], peer=[100])]
    assert list(fallen("queue", rate, slow))


def test_a_benchmark_that_no_longer_has_a_guarded_row_is_no_pass(rate: Result) -> None:
    with pytest.raises(LookupError, match="no row beside a peer: 1 process"):
        list(fallen("queue", rate, [replace(rate, rows=rate.rows[1:])]))


def test_a_size_that_is_half_as_much_again_has_become_worse() -> None:
    falls = list(fallen("memory", weighed(100, 90, 110), [weighed(151), weighed(170, 152)]))
    assert {fall.what for fall in falls} == set(SIZES["memory"])
    assert str(falls[0]).endswith(": 151, published 100: worse by more than a third")


@pytest.mark.parametrize("figures", [(149.0,), (180.0, 149.0), (20.0,)])
def test_a_size_stands_by_the_least_of_its_rounds(figures: tuple[float, ...]) -> None:
    assert list(fallen("memory", weighed(100), [weighed(*figures)])) == []


def test_a_size_that_is_no_longer_measured_is_no_pass() -> None:
    with pytest.raises(LookupError, match="no row: a queued task"):
        list(fallen("memory", weighed(100), [Result([], "Python 3.")]))


@pytest.mark.parametrize("name", sorted(GUARDS))
def test_what_is_guarded_is_published_and_stands_beside_itself(name: str) -> None:
    published = Page().published()[name]
    assert list(fallen(name, published, [published])) == []
