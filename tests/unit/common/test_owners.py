"""Owners never blur into each other, whatever they are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.errors import InvalidValue
from milepost.owners import check_owner, key_hash, owner_hash, partition_of

OWNERS = ["bob", "bobby", "bob_1", "%", "_", "*", "bob}{", "한글", "e\u0301", "\u00e9", "x" * 255]


def test_owners_with_similar_names_have_keys_of_their_own():
    assert len({owner_hash(owner) for owner in OWNERS}) == len(OWNERS)


def test_an_owner_keeps_its_partition_for_ever():
    assert [partition_of(owner, 16) for owner in ("bob", "bobby", "%")] == [2, 0, 7]


@pytest.mark.parametrize("owner", ["", "x" * 256, "a\nb", "a\x00", "\x7f", "\ud800"])
def test_what_cannot_name_an_owner_is_refused(owner: str):
    with pytest.raises(InvalidValue):
        check_owner(owner)


@pytest.mark.parametrize("owner", OWNERS)
def test_an_owner_is_never_changed(owner: str):
    assert check_owner(owner) == owner


@given(st.lists(st.text(max_size=5), max_size=3), st.lists(st.text(max_size=5), max_size=3))
def test_parts_of_a_hashed_key_never_blur(one: list[str], other: list[str]):
    assert (key_hash(*one) == key_hash(*other)) == (one == other)
