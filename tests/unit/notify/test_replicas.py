"""Which of several projector replicas projects a partition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.errors import InvalidValue
from milepost_notify.replicas import SILENT_SECONDS, Replicas, Sign

NAMES = st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=7, unique=True)


def everybody(names: list[str], now: float = 0.0) -> list[Replicas]:
    """Replicas that have all heard of each other."""
    all_of_them = [Replicas(name) for name in names]
    for each in all_of_them:
        for name in names:
            each.hear(Sign(name), now)
    return all_of_them


@given(NAMES, st.integers(1, 64))
def test_every_partition_is_one_replica_s_and_all_have_as_many(names: list[str], partitions: int):
    shares = [
        {number for number in range(partitions) if each.mine(number)} for each in everybody(names)
    ]
    assert sorted(number for share in shares for number in share) == list(range(partitions))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_who_is_alone_has_everything():
    assert all(Replicas("a").mine(number) for number in range(16))


def test_who_is_silent_for_3_s_is_counted_no_more():
    a, _ = everybody(["a", "b"])
    a.forget_silent(SILENT_SECONDS)
    assert not a.mine(1)
    a.forget_silent(SILENT_SECONDS + 0.1)
    assert a.mine(1)


def test_who_leaves_is_counted_no_more_at_once():
    a, _ = everybody(["a", "b"])
    a.hear(Sign("b", leaving=True), 0.1)
    assert a.mine(1)


def test_while_nothing_could_be_heard_nobody_was_silent():
    a, _ = everybody(["a", "b"])
    a.deaf_until(100)
    a.forget_silent(100)
    assert not a.mine(1)


def test_somebody_new_is_told_apart_from_the_known_and_from_oneself():
    a = Replicas("a")
    assert a.hear(Sign("b"), 0)
    assert not a.hear(Sign("b"), 1)
    assert not a.hear(Sign("a"), 1)
    assert not a.hear(Sign("c", leaving=True), 1)


def test_a_sign_comes_back_as_it_was_and_unknown_fields_are_ignored():
    for sign in (Sign("a"), Sign("ü 'b'", leaving=True)):
        assert Sign.decode(sign.encode()) == sign
    assert Sign.decode(b'{"name": "a", "load": 3}') == Sign("a")


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"7", b"\xff", b'{"name"'])
def test_what_is_no_sign_is_refused(raw: bytes):
    with pytest.raises(InvalidValue):
        Sign.decode(raw)
