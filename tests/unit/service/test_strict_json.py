"""Strict JSON: what is refused, and that nothing else is and nothing crashes."""

import json
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost_service.strict_json import MAX_DEPTH, NotJson, loads

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**1000), 2**1000)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_every_other_value_is_read_as_it_was_written(value: object, ascii_only: bool) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert loads(raw) == value


@given(st.binary() | st.text(alphabet='{}[]",:0123456789.eE+-truefalsn\\ud83\0 ').map(str.encode))
def test_no_bytes_do_worse_than_not_being_json(raw: bytes) -> None:
    with suppress(NotJson):
        json.dumps(loads(raw), allow_nan=False).encode()


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("inner", ["1", "[]", "{}", '"x"'])
def test_nesting_is_counted_from_the_outermost_to_the_innermost(
    opening: str, closing: str, inner: str
) -> None:
    own = inner in ("[]", "{}")
    for depth, accepted in ((MAX_DEPTH - own, True), (MAX_DEPTH - own + 1, False)):
        raw = (opening * depth + inner + closing * depth).encode()
        if accepted:
            assert loads(raw)
        else:
            with pytest.raises(NotJson, match="nested"):
                loads(raw)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_a_hundred_thousand_levels_are_only_nested_too_deeply(opening: bytes) -> None:
    with pytest.raises(NotJson, match="nested"):
        loads(opening * 100_000)


@pytest.mark.parametrize("digits", [308, 309, 4300, 4301, 100_000])
@pytest.mark.parametrize("sign", ["", "-"])
def test_numbers_end_where_doubles_end(sign: str, digits: int) -> None:
    raw = f"{sign}{'9' * digits}".encode()
    if digits <= 308:
        assert abs(loads(raw)) <= sys.float_info.max
    else:
        with pytest.raises(NotJson, match="double"):
            loads(raw)


def test_reasons_do_not_repeat_what_was_sent() -> None:
    for raw in (
        b'{"secret": 1, "secret": 2}',
        b'["secret\\ud800"]',
        b'"secret',
        b'{"secret": NaN}',
    ):
        with pytest.raises(NotJson) as refused:
            loads(raw)
        assert "secret" not in str(refused.value)
