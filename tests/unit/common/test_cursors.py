"""Cursors are opaque, exact, and anything else is an error."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.cursors import Cursor, StreamId
from milepost.errors import InvalidCursor

U64 = st.integers(0, 2**64 - 1)
IDS = st.builds(StreamId, U64, U64)
CURSORS = st.builds(
    Cursor,
    st.integers(0, 1023),
    st.binary(min_size=4, max_size=4),
    st.integers(0, 2**32 - 1),
    IDS,
    st.integers(0, 0xFFFF),
    st.none() | IDS,
)


@given(CURSORS)
def test_a_cursor_survives_the_way_out_and_back(cursor: Cursor):
    text = str(cursor)
    assert re.fullmatch(r"[A-Za-z0-9._~-]{1,128}", text)
    assert Cursor.parse(text) == cursor


@given(st.text(max_size=60))
def test_any_other_text_is_no_cursor(text: str):
    with contextlib.suppress(InvalidCursor):
        assert str(Cursor.parse(text)) == text


def test_a_cursor_with_one_character_changed_is_another_or_none():
    text = str(Cursor(3, b"abcd", 1, StreamId(1795381377532, 7), 2))
    for at in range(len(text)):
        changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        with contextlib.suppress(InvalidCursor):
            assert Cursor.parse(changed) != Cursor.parse(text)


@given(st.lists(IDS, max_size=20))
def test_the_sortable_form_sorts_like_the_ids(ids: list[StreamId]):
    assert sorted(item.sortable for item in ids) == [item.sortable for item in sorted(ids)]
    assert [StreamId.from_sortable(item.sortable) for item in ids] == ids


@pytest.mark.parametrize(
    "text", ["", "1", "-", "1-", "-1", "1-x", "1-2-3", "²-1", "+1-1", b"\xff-1"]
)
def test_what_is_no_stream_id_is_refused(text: str | bytes):
    with pytest.raises(InvalidCursor):
        StreamId.parse(text)
