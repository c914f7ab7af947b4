"""Log entries in batches, rows kept between them, places to wait in."""

import pytest

from histories import Story, created, entry_of, fold_all
from milepost import events as e
from milepost_log.reader import Entry
from milepost_notify import cache
from milepost_notify.archive import Logged, Unread
from milepost_notify.changes import Changes
from milepost_notify.folding import fold
from milepost_notify.intake import BATCH_BYTES, FEWEST, MOST, batch_of, next_count
from milepost_notify.places import NoPlace, Places

GOOD = {b"t": b"logged", b"k": b"t1", b"o": b"bob", b"a": b"1", b"d": b'{"text":"x"}'}


def test_entries_are_read_in_order_with_the_dead_apart():
    batch = batch_of(
        2,
        [
            Entry(b"1-1", GOOD),
            Entry(b"1-2", {b"hello": b"world"}),
            Entry(b"1-3", {**GOOD, b"t": b"logged/9"}),
            Entry(b"1-4", {**GOOD, b"d": b"{"}),
        ],
    )
    kinds = [type(entry) for entry in batch.entries]
    assert kinds == [Logged, Unread]
    assert [entry.id for entry, _ in batch.dead] == [b"1-2", b"1-4"]
    assert "t" in batch.dead[0][1]
    assert str(batch.position) == "1-4"
    unread = batch.entries[1]
    assert isinstance(unread, Unread)
    assert (unread.partition, unread.owner, unread.task) == (2, "bob", "t1")
    assert "version 9" in unread.reason


@pytest.mark.parametrize(
    "wrong",
    [
        {b"o": b""}, {b"k": b""}, {b"a": b"-1"}, {b"a": b"99999999999"}, {b"at": b"-5"},
        {b"at": b"999999999999999"}, {b"o": b"\xff"}, {b"t": b"created/0"}, {b"t": b"created/x"},
        {b"t": b"retrying", b"d": b'{"error":{"code":"a","message":"b","reference":"c"},'
                                b'"runs_at":1e99,"failures":1}'},
        {b"t": b"returned", b"d": b'{"reason":"shutdown","worker":"w","crashes":1e30}'},
    ],
)  # fmt: skip
def test_what_no_row_could_hold_is_dead(wrong: dict[bytes, bytes]):
    batch = batch_of(0, [Entry(b"1-1", {**GOOD, **wrong})])
    assert batch.entries == []
    assert len(batch.dead) == 1


def test_batches_grow_while_entries_are_small_and_shrink_when_they_are_large():
    small, large = Entry(b"1-1", GOOD), Entry(b"1-1", {b"d": b"x" * BATCH_BYTES})
    assert next_count(FEWEST, [small] * FEWEST) == FEWEST * 4
    assert next_count(FEWEST, [small]) == FEWEST
    assert next_count(MOST, [small] * MOST) == MOST
    assert next_count(MOST, [large] * 2) == MOST // 4
    assert next_count(FEWEST, [large] * 2) == FEWEST


def test_what_a_batch_needs_is_what_is_not_known_yet():
    story = Story()
    story.run("t1")
    known, _ = fold_all(story.told)
    more = Story(ms=story.ms)
    more.tell(e.TaskDismissed(), "t1", attempt=1)
    more.tell(created(parent="p"), "t2", "bobby")
    more.tell(e.InboxRead(until="1-1"), "", "%")
    assert cache.missing(known, more.told) == (
        {("bobby", "t2"), ("bobby", "p")}, {"bobby", "%"}, {"%"}
    )  # fmt: skip
    assert not cache.missing(known, more.told[:1])


def test_what_is_known_is_newer_than_what_was_read():
    story = Story()
    story.tell(created())
    stale, _ = fold_all(story.told)
    story.tell(e.TaskStarted(worker="w"), attempt=1)
    known, _ = fold_all(story.told)
    cache.add(known, stale)
    assert known.tasks["bob", "t1"]["status"] == "running"


def test_an_ended_task_is_forgotten_once_its_end_is_saved() -> None:
    story = Story()
    story.run("a")
    story.tell(created(), "b")
    known, changes = fold_all(story.told)
    more = Story(ms=story.ms)
    more.tell(e.TaskDismissed(), "a", attempt=1)
    unsaved = fold(known, more.told)
    cache.evict(known, changes, unsaved)
    assert list(known.tasks) == [("bob", "b"), ("bob", "a")]
    cache.evict(known, unsaved)
    assert list(known.tasks) == [("bob", "b")]


def test_of_more_than_are_kept_the_first_in_the_queue_stay_and_what_runs_and_is_not_saved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cache, "MOST_TASKS", 2)
    monkeypatch.setattr(cache, "MOST_INBOXES", 1)
    story = Story()
    for ended in "xy":
        story.run(ended, owner=ended)
    for task in "abcd":
        story.tell(created(), task, task)
    story.tell(e.TaskStarted(worker="w"), "d", "d", attempt=1)
    known, changes = fold_all(story.told)
    cache.evict(known, Changes(), changes)
    assert (len(known.tasks), len(known.inboxes)) == (6, 2)
    cache.evict(known, changes)
    assert list(known.tasks) == [("a", "a"), ("d", "d")]
    assert list(known.inboxes) == ["y"]
    more = Story(ms=story.ms)
    more.tell(created(), "e", "e")
    more.tell(e.TaskStarted(worker="w"), "e", "e", attempt=1)
    cache.evict(known, fold(known, more.told))
    assert list(known.tasks) == [("d", "d"), ("e", "e")]


def test_an_owner_has_so_many_places_and_gets_them_back():
    places = Places(2)
    with places.place("bob"), places.place("bob"), places.place("bobby"), pytest.raises(NoPlace):
        places.place("bob").__enter__()
    with places.place("bob"), places.place("bob"):
        pass


def test_an_entry_survives_the_way_into_the_log_and_out():
    story = Story()
    story.tell(created())
    batch = batch_of(0, [entry_of(told) for told in story.told])
    assert batch.entries == story.told
