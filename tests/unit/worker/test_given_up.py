"""Which task types nobody does any more, as a worker with several partitions asks."""

from collections.abc import Collection

from milepost.errors import LogUnavailable
from milepost_worker.given_up import FRESH_SECONDS, GivenUp


class Offers:
    """Types that are offered, a clock, and what was asked for."""

    def __init__(self) -> None:
        self.offered = {"sample.busy"}
        self.asked: list[set[str]] = []
        self.now = 0.0
        self.is_away = False

    def __call__(self, types: Collection[str]) -> set[str]:
        self.asked.append(set(types))
        if self.is_away:
            raise LogUnavailable("gone")
        return self.offered.intersection(types)


def test_another_partition_s_types_are_asked_for_although_one_has_just_been():
    offers = Offers()
    given_up = GivenUp(offers, monotonic=lambda: offers.now)
    for _ in range(3):  # each time the first partition's are the first that are not fresh
        assert given_up(["sample.busy"]) == set()
        assert given_up(["sample.gone"]) == {"sample.gone"}
        assert given_up([]) == set()
        offers.now += FRESH_SECONDS + 1
    assert offers.asked == [{"sample.busy"}, {"sample.gone"}] * 3


def test_a_type_is_asked_for_once_while_its_answer_is_fresh_and_anew_after_that():
    offers = Offers()
    given_up = GivenUp(offers, monotonic=lambda: offers.now)
    assert given_up(["sample.gone"]) == {"sample.gone"}
    assert given_up(["sample.gone", "sample.busy"]) == {"sample.gone"}
    assert offers.asked == [{"sample.gone"}, {"sample.busy"}]
    offers.now += FRESH_SECONDS + 1
    offers.offered.add("sample.gone")
    assert given_up(["sample.gone"]) == set()


def test_nothing_is_given_up_while_the_offers_cannot_be_read():
    offers = Offers()
    given_up = GivenUp(offers, monotonic=lambda: offers.now)
    assert given_up(["sample.gone"]) == {"sample.gone"}
    offers.now += FRESH_SECONDS + 1
    offers.is_away = True
    assert given_up(["sample.gone"]) == set()
    offers.now += FRESH_SECONDS + 1
    offers.is_away = False
    assert given_up(["sample.gone"]) == {"sample.gone"}
