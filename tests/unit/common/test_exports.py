"""Links of exports: for one owner, for a day, and good for nothing else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost import tokens
from milepost.cursors import Cursor, StreamId
from milepost.errors import InvalidToken
from milepost.exports import AUDIENCE, ExpiredLink, Export, read_ticket, ticket

SECRET, OTHER = "a" * 40, "b" * 40
UNTIL = Cursor(1, b"1234", 0, StreamId(1_700_000_000_000, 3), 0)


def export(owner: str = "bob", expires_at: float = 1000.0) -> Export:
    return Export(owner, "csv", UNTIL, expires_at)


def test_a_link_says_what_it_was_made_for() -> None:
    made = export("한글 %")
    assert read_ticket(ticket(made, OTHER), (SECRET, OTHER), owner="한글 %", now=999) == made


def test_it_expires_and_is_for_its_owner_alone() -> None:
    text = ticket(export(), SECRET)
    with pytest.raises(ExpiredLink):
        read_ticket(text, (SECRET,), owner="bob", now=1000)
    with pytest.raises(InvalidToken) as other:
        read_ticket(text, (SECRET,), owner="Bob", now=2000)
    assert not isinstance(other.value, ExpiredLink), "nobody else learns that it was one"
    with pytest.raises(InvalidToken):
        read_ticket(text, (OTHER,), owner="bob", now=0)


def test_no_token_is_a_link_and_no_link_a_token() -> None:
    now = time.time()
    text = ticket(export(expires_at=now + 100), SECRET)
    for audience in ("milepost", tokens.SESSION_AUDIENCE):
        token = tokens.mint("bob", SECRET, now=now, audience=audience)
        with pytest.raises(InvalidToken):
            read_ticket(token, (SECRET,), owner="bob", now=now)
        with pytest.raises(InvalidToken):
            tokens.verify(text, [SECRET], now=now, audience=audience)
    forged = tokens.mint("bob", SECRET, now=now, audience=AUDIENCE)
    with pytest.raises(InvalidToken):
        read_ticket(forged, (SECRET,), owner="bob", now=now)


@given(st.text(max_size=300) | st.sampled_from([ticket(export(), SECRET) + "x"]))
def test_whatever_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidToken):
        read_ticket(text, (SECRET,), owner="bob", now=0)
