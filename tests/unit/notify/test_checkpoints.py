"""Which cursors still mean something."""

import pytest

from histories import LOG_ID
from milepost.cursors import MAX_ORDINAL, Cursor, StreamId
from milepost_notify.checkpoints import Checkpoint

AT = Checkpoint(3, LOG_ID, 2, StreamId(100, 5), retained=StreamId(10, 0))
LOG = bytes.fromhex(LOG_ID[:8])


@pytest.mark.parametrize("place", [StreamId(10, 0), StreamId(50, 9), StreamId(100, 5)])
def test_a_cursor_between_what_is_retained_and_the_end_continues(place: StreamId):
    assert AT.continues(AT.cursor(place, 1))


@pytest.mark.parametrize(
    "cursor",
    [
        Cursor(4, LOG, 2, StreamId(50, 0), 1),
        Cursor(3, b"none", 2, StreamId(50, 0), 1),
        Cursor(3, LOG, 1, StreamId(50, 0), 1),
        Cursor(3, LOG, 3, StreamId(50, 0), 1),
        Cursor(3, LOG, 2, StreamId(100, 6), 0),
        Cursor(3, LOG, 2, StreamId(9, 9), MAX_ORDINAL),
    ],
    ids=["partition", "log", "older era", "newer era", "beyond the end", "retention"],
)
def test_every_other_cursor_is_a_gap(cursor: Cursor):
    assert not AT.continues(cursor)


def test_the_end_has_everything_of_its_event():
    assert AT.end() == Cursor(3, LOG, 2, StreamId(100, 5), MAX_ORDINAL)


def test_a_revision_of_any_era_is_passed_by_its_position_alone():
    assert AT.has_passed(Cursor(3, LOG, 0, StreamId(100, 5), 0))
    assert not AT.has_passed(Cursor(3, LOG, 0, StreamId(100, 6), 0))


def test_a_revision_of_another_log_is_not_waited_for():
    assert AT.has_passed(Cursor(3, b"none", 0, StreamId(999, 0), 0))
    assert AT.has_passed(Cursor(1, LOG, 0, StreamId(999, 0), 0))
