"""Task ids and traceparents."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.ids import canonical_task_id, uuid7
from milepost.traces import traceparent


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_a_uuid7_holds_its_time_and_is_in_its_one_spelling(ms: int, random: bytes) -> None:
    made = uuid7(ms, random)
    parsed = UUID(made)
    assert (parsed.version, parsed.variant) == (7, "specified in RFC 4122")
    assert parsed.int >> 80 == ms
    assert canonical_task_id(made) == made == str(parsed)


@given(st.integers(0, 2**48 - 2), st.binary(min_size=10, max_size=10))
def test_later_ids_sort_later(ms: int, random: bytes) -> None:
    assert uuid7(ms, random) < uuid7(ms + 1, bytes(10))


def test_ids_of_one_moment_differ_in_every_random_bit() -> None:
    ones, zeros = UUID(uuid7(5, b"\xff" * 10)).int, UUID(uuid7(5, bytes(10))).int
    assert (ones ^ zeros).bit_count() == 74


@pytest.mark.parametrize(
    "text",
    [
        "", "bob", "018bcfe568007000800000000000000", "018bcfe5-6800-4000-8000-000000000000",
        "018bcfe5-6800-7000-c000-000000000000", "{018bcfe5-6800-7000-8000-000000000000}",
        "018bcfe5-6800-7000-8000-000000000000\n", "018bcfe5-6800-7000-8000-00000000000g",
        "０18bcfe5-6800-7000-8000-000000000000",
    ],
)  # fmt: skip
def test_what_is_no_uuid7_is_no_task_id(text: str) -> None:
    assert canonical_task_id(text) is None


GOOD = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (GOOD, True),
        (None, False),
        ("", False),
        (GOOD.upper(), False),
        (GOOD.replace("00-4", "ff-4"), False),
        (f"{GOOD}-x", False),
        (f"{GOOD}\n", False),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        (f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01", False),
    ],
)
def test_only_a_whole_traceparent_is_passed_on(header: str | None, accepted: bool) -> None:
    assert traceparent(header) == (header if accepted else None)
