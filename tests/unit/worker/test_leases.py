"""Only a worker that stood still for a whole connected lease is dead."""

from milepost_worker.leases import Observer


def test_a_worker_is_dead_after_a_whole_lease_without_a_beat():
    observer = Observer("me", 10)
    assert observer.see(0, {"me": 1, "it": 5}, 100) == []
    assert observer.see(0, {"me": 1, "it": 5}, 109.9) == []
    assert observer.see(0, {"me": 1, "it": 5}, 110) == [("it", 5)]


def test_a_beat_starts_the_lease_anew():
    observer = Observer("me", 10)
    observer.see(0, {"it": 5}, 100)
    observer.see(0, {"it": 6}, 109)
    assert observer.see(0, {"it": 6}, 118) == []
    assert observer.see(0, {"it": 6}, 119) == [("it", 6)]


def test_time_without_a_connection_does_not_count():
    observer = Observer("me", 10)
    observer.see(0, {"it": 5}, 100)
    observer.forget(0)
    assert observer.see(0, {"it": 5}, 500) == []
    assert observer.see(0, {"it": 5}, 510) == [("it", 5)]


def test_partitions_are_watched_apart():
    observer = Observer("me", 10)
    observer.see(0, {"it": 5}, 100)
    observer.see(1, {"it": 5}, 105)
    assert observer.see(1, {"it": 5}, 110) == []
    assert observer.see(0, {"it": 5}, 110) == [("it", 5)]


def test_one_that_left_and_came_back_is_watched_from_its_return():
    observer = Observer("me", 10)
    observer.see(0, {"it": 5}, 100)
    observer.see(0, {}, 105)
    assert observer.see(0, {"it": 5}, 111) == []
