"""Whose beats stand still, and how long queues are, as looks tell; no Redis here."""

from dataclasses import dataclass, field

import pytest

from milepost_notify.lookout import Lookout

LEASE = 30.0


@dataclass
class Looks:
    """A lookout and the clock it is told."""

    lookout: Lookout = field(default_factory=lambda: Lookout(LEASE))
    now: float = 1000.0

    def see(self, partition: int = 0, passed: float = 5.0, **beats: int) -> None:
        self.now += passed
        now_ms = int(self.now * 1000)
        self.lookout.see(partition, beats, {}, now=self.now, now_ms=now_ms)

    def vanished(self, worker: str = "w", partition: int = 0) -> int | None:
        found = self.lookout.vanished_at(partition, worker)
        return None if found is None else found // 1000


@pytest.fixture
def looks() -> Looks:
    return Looks()


def test_a_worker_whose_beats_stand_still_for_a_lease_has_vanished_when_it_last_moved(looks: Looks):
    looks.see(w=1)
    looks.see(w=2)
    for _ in range(5):
        looks.see(w=2)
        assert looks.vanished() is None
    looks.see(w=2)
    assert looks.vanished() == 1010


def test_a_worker_that_beats_again_is_there_again(looks: Looks):
    for _ in range(8):
        looks.see(w=1)
    assert looks.vanished() == 1005
    looks.see(w=2)
    assert looks.vanished() is None


def test_who_has_no_lease_or_is_elsewhere_is_not_known(looks: Looks):
    for _ in range(8):
        looks.see(w=1)
    assert looks.vanished("v") is None
    assert looks.vanished(partition=1) is None
    looks.see()
    assert looks.vanished() is None


def test_an_outage_makes_nobody_lost(looks: Looks):
    looks.see(w=1)
    looks.see(w=1, passed=100)  # nobody could look, and perhaps nobody could beat
    assert looks.vanished() is None
    for _ in range(3):
        looks.see(w=1)
    looks.lookout.forget(0)
    for _ in range(4):
        looks.see(w=1)
        assert looks.vanished() is None


def test_of_other_partitions_as_many_count_as_go_before_one_when_workers_go_round(looks: Looks):
    for partition, count in enumerate((100, 3, 50, 0)):
        looks.lookout.see(partition, {}, {"default:n": count, "mail:n": 9}, now=0, now_ms=0)
    assert looks.lookout.elsewhere(0, "default:n", 10) == 13
    assert looks.lookout.elsewhere(1, "default:n", 1000) == 150
    assert looks.lookout.elsewhere(0, "default:h", 10) == 0
