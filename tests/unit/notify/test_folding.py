"""How a batch of log entries becomes rows."""

from hypothesis import given
from hypothesis import strategies as st

from histories import OOPS, Story, created, cuts, fold_all, legal_logs
from milepost import events as e
from milepost.cursors import StreamId
from milepost_notify.archive import Logged, Unread
from milepost_notify.changes import Changes, Known
from milepost_notify.folding import BEHIND, fold
from milepost_notify.rows import TASK_PROGRESS, UNREAD_MESSAGE_COUNT, is_unread

sizes = st.lists(st.integers(1, 9), min_size=1, max_size=5)


@given(legal_logs(), sizes)
def test_however_a_log_is_cut_into_batches_the_rows_are_the_same(
    told: list[Logged], sizes: list[int]
):
    known, whole = fold_all(told)
    piecewise = Known()
    total = Changes()
    for batch in cuts(told, sizes):
        changes = fold(piecewise, batch)
        total.tasks |= changes.tasks
        total.inboxes |= changes.inboxes
        total.notifications |= changes.notifications
        total.history += changes.history
    assert total == whole
    assert (piecewise.tasks, piecewise.inboxes) == (known.tasks, known.inboxes)


@given(legal_logs())
def test_the_unread_count_is_the_number_of_ended_tasks_neither_read_nor_dismissed(
    told: list[Logged],
):
    known, changes = fold_all(told)
    for owner in {each.event.owner for each in told}:
        unread = sum(is_unread(row) for (of, _), row in known.tasks.items() if of == owner)
        inbox = known.inboxes.get(owner)
        assert (inbox["unread"] if inbox else 0) == unread
        row = changes.notifications.get((owner, UNREAD_MESSAGE_COUNT, ""))
        assert (row["number"] if row else 0) == unread


@given(legal_logs())
def test_no_two_rows_of_an_owner_have_the_same_place(told: list[Logged]):
    _, changes = fold_all(told)
    places = [
        (row["owner"], row["position"], row["ordinal"]) for row in changes.notifications.values()
    ]
    assert len(set(places)) == len(places)
    assert all(ordinal >= 1 for _, _, ordinal in places)


@given(legal_logs())
def test_every_event_stands_in_the_history_as_the_log_had_it(told: list[Logged]):
    _, changes = fold_all(told)
    assert [row["position"] for row in changes.history] == [each.event.id.sortable for each in told]
    assert [row["data"].encode() for row in changes.history] == [each.fields[b"d"] for each in told]


def test_one_end_changes_the_task_and_then_the_count():
    story = Story()
    end = story.run()
    _, changes = fold_all(story.told)
    task = changes.notifications["bob", TASK_PROGRESS, "t1"]
    count = changes.notifications["bob", UNREAD_MESSAGE_COUNT, ""]
    assert (task["position"], task["ordinal"]) == (end.id.sortable, 1)
    assert (count["position"], count["ordinal"], count["number"]) == (end.id.sortable, 2, 1)
    assert changes.owners == {"bob"}


def test_reading_marks_what_had_ended_by_then_each_with_its_own_place():
    story = Story()
    story.run("t1")
    second = story.run("t2")
    story.run("t3")
    story.tell(created(), "t4")
    read = story.tell(e.InboxRead(until=str(second.id)), "")
    known, changes = fold_all(story.told)
    assert {key[1] for key, row in known.tasks.items() if row["read"]} == {"t1", "t2"}
    at = read.id.sortable
    places = {
        name: row["ordinal"]
        for (_, name, task), row in changes.notifications.items()
        if row["position"] == at
        for name in [task or name]
    }
    assert places == {"t1": 1, "t2": 2, UNREAD_MESSAGE_COUNT: 3}
    assert known.inboxes["bob"]["unread"] == 1
    assert known.inboxes["bob"]["read_until"] == second.id.sortable


def test_reading_goes_no_further_than_the_log():
    story = Story()
    story.run("t1")
    story.tell(e.InboxRead(until="99999999999999-0"), "")
    story.run("t2")
    known, _ = fold_all(story.told)
    assert (known.tasks["bob", "t1"]["read"], known.tasks["bob", "t2"]["read"]) == (True, False)


def test_reading_is_nobody_elses():
    story = Story()
    for owner in ("bob", "bobby", "bob_1", "%"):
        story.run("t1", owner)
    end = story.told[-1].event
    story.tell(e.InboxRead(until=str(end.id)), "", "%")
    known, _ = fold_all(story.told)
    assert [owner for (owner, _), row in known.tasks.items() if row["read"]] == ["%"]


def test_a_dismissed_task_no_longer_counts():
    story = Story()
    story.run("t1")
    story.run("t2")
    story.tell(e.TaskDismissed(), "t1", attempt=1)
    story.tell(e.TaskDismissed(), "t1", attempt=1)
    known, changes = fold_all(story.told)
    assert known.inboxes["bob"]["unread"] == 1
    assert changes.notifications["bob", UNREAD_MESSAGE_COUNT, ""]["number"] == 1


def test_a_child_counts_with_its_parent_of_the_same_owner():
    story = Story()
    story.tell(created(), "parent")
    story.tell(created(), "parent", "bobby")
    child = story.tell(created(parent="parent"), "child")
    story.tell(created(parent="nobody"), "orphan")
    known, changes = fold_all(story.told)
    assert known.tasks["bob", "parent"]["children_count"] == 1
    assert known.tasks["bobby", "parent"]["children_count"] == 0
    told = changes.notifications["bob", TASK_PROGRESS, "parent"]
    assert (told["position"], told["ordinal"]) == (child.id.sortable, 2)


def test_an_id_used_again_long_after_its_end_starts_over():
    story = Story()
    story.run()
    story.tell(created("Again"))
    known, _ = fold_all(story.told)
    assert (known.tasks["bob", "t1"]["title"], known.inboxes["bob"]["unread"]) == ("Again", 0)


def test_progress_events_are_numbered_within_their_task():
    story = Story()
    for task in ("t1", "t2"):
        story.tell(created(), task)
        story.tell(e.TaskStarted(worker="w"), task, attempt=1)
        story.tell(e.TaskProgressed(progress=1), task, attempt=1)
        story.tell(e.TaskProgressed(progress=2), task, attempt=1)
    _, changes = fold_all(story.told)
    assert [row["n"] for row in changes.history] == [None, None, 1, 2] * 2


def test_what_cannot_be_projected_is_parked_with_everything_later_of_its_task():
    story = Story()
    story.tell(e.TaskStarted(worker="w"), "unknown", attempt=1)
    story.tell(created(), "unknown")
    story.run("t1")
    known, changes = fold_all(story.told)
    assert [(row["task_id"], row["reason"]) for row in changes.parked] == [
        ("unknown", "task.started of a task that was never created"),
        ("unknown", BEHIND),
    ]
    assert known.parked == {("bob", "unknown")}
    assert {row["task_id"] for row in changes.history} == {"t1"}
    assert ("bob", "unknown") not in changes.tasks


def test_a_task_is_parked_behind_an_event_of_a_later_version():
    story = Story()
    story.tell(created())
    fields = {b"t": b"paused", b"k": b"t1", b"o": b"bob", b"a": b"0", b"d": b"{}", b"z": b"\xff"}
    later = Unread(0, StreamId(story.ms, 9), "bob", "t1", fields, "unknown event type")
    story.tell(e.TaskFailed(error=OOPS), attempt=1)
    known = Known()
    changes = fold(known, [story.told[0], later, story.told[1]])
    assert [row["reason"] for row in changes.parked] == ["unknown event type", BEHIND]
    assert '"z":"ÿ"' in changes.parked[0]["fields"]
    assert known.tasks["bob", "t1"]["status"] == "queued"


def test_a_read_mark_that_is_no_position_is_parked_and_stops_nothing():
    story = Story()
    story.tell(e.InboxRead(until="yesterday"), "")
    story.run()
    _, changes = fold_all(story.told)
    assert [row["task_id"] for row in changes.parked] == [""]
    assert len(changes.history) == 3
