"""The read models made again from the history are those that the log made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histories import Story, created, cuts, fold_all, legal_logs
from milepost import events as e
from milepost.errors import NewerEvent
from milepost_notify.archive import HistoryRow, Logged, archived
from milepost_notify.changes import Changes, Known
from milepost_notify.refolding import refold


def refold_all(rows: list[HistoryRow]) -> tuple[Known, Changes]:
    known = Known()
    return known, refold(known, rows)


@given(legal_logs())
def test_the_history_makes_the_same_rows_as_the_log(told: list[Logged]):
    known, changes = fold_all(told)
    again, made = refold_all(changes.history)
    assert (again.tasks, again.inboxes) == (known.tasks, known.inboxes)
    assert made.notifications == changes.notifications
    assert (made.history, made.parked) == ([], [])


@given(legal_logs(), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_the_rows_do_not_depend_on_how_the_history_is_cut(told: list[Logged], sizes: list[int]):
    known, changes = fold_all(told)
    again, notifications = Known(), dict[tuple[str, str, str], object]()
    for batch in cuts(told, sizes):
        positions = {each.event.id.sortable for each in batch}
        rows = [row for row in changes.history if row["position"] in positions]
        notifications |= refold(again, rows).notifications
    assert (again.tasks, again.inboxes) == (known.tasks, known.inboxes)
    assert notifications == changes.notifications


@given(legal_logs())
def test_one_owner_alone_makes_the_rows_of_that_owner(told: list[Logged]):
    known, changes = fold_all(told)
    for owner in {each.event.owner for each in told}:
        again, made = refold_all([row for row in changes.history if row["owner"] == owner])
        assert again.tasks == {key: row for key, row in known.tasks.items() if key[0] == owner}
        assert made.notifications == {
            key: row for key, row in changes.notifications.items() if key[0] == owner
        }


@given(legal_logs())
def test_a_history_row_says_all_that_the_event_did(told: list[Logged]):
    _, changes = fold_all(told)
    assert [archived(row).event for row in changes.history] == [each.event for each in told]


def test_progress_that_thinning_has_removed_is_counted_all_the_same():
    story = Story()
    story.tell(created())
    story.tell(e.TaskStarted(worker="w"), attempt=1)
    for percent in range(10):
        story.tell(e.TaskProgressed(progress=percent), attempt=1)
    known, changes = fold_all(story.told)
    kept = [row for row in changes.history if row["n"] in (None, 1, 4, 8, 10)]
    assert refold_all(kept)[0].tasks == known.tasks
    assert known.tasks["bob", "t1"]["progress_count"] == 10


def test_what_has_lost_its_beginning_changes_nothing():
    story = Story()
    story.run("old")
    story.run("new")
    _, changes = fold_all(story.told)
    known, made = refold_all(changes.history[1:])
    assert known.tasks.keys() == {("bob", "new")}
    assert made.parked == []


def test_history_of_later_code_is_refused():
    story = Story()
    story.tell(created())
    row = fold_all(story.told)[1].history[0]
    later: HistoryRow = {**row, "v": 99}
    with pytest.raises(NewerEvent):
        refold_all([later])
