"""What every store of the read models does, in memory and in SQL alike."""

import asyncio
import threading
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from histories import (
    LOG_ID,
    OWNERS,
    Story,
    busy_logs,
    created,
    cuts,
    fold_all,
    legal_logs,
    project,
)
from milepost import events as e
from milepost.cursors import ZERO, StreamId
from milepost_notify import thinning
from milepost_notify.archive import HistoryRow, Logged
from milepost_notify.changes import Changes, Known
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.memory import MemoryStore
from milepost_notify.refolding import refold
from milepost_notify.rows import TASK_PROGRESS, UNREAD_MESSAGE_COUNT
from milepost_notify.store import (
    CheckpointMoved,
    Filters,
    Notified,
    Place,
    Snapshot,
)
from stores import Make, Stores, looking

ALL = Filters()


@pytest.fixture(params=["memory", "sqlite", "postgresql", "pgbouncer"])
def kind(request: pytest.FixtureRequest) -> str:
    """Where the store is."""
    return request.param


async def save(stores: Stores, story: Story) -> Checkpoint:
    """Project all of a story in one batch."""
    at = await stores.writing.checkpoint(0)
    assert at is not None
    return (await project(stores.writing, at, story.told))[0]


async def notified(
    stores: Stores, owner: str = "bob", filters: Filters = ALL, *, after: Place | None = None,
    skip_dismissed_until: str | None = None, limit: int = 1000,
) -> list[Notified]:  # fmt: skip
    async with looking(stores.reading) as snapshot:
        return await snapshot.notifications(
            owner, filters, after=after, skip_dismissed_until=skip_dismissed_until, limit=limit
        )


def places(found: list[Notified]) -> list[tuple[str, int]]:
    return [(each.row["position"], each.row["ordinal"]) for each in found]


def about(found: list[Notified]) -> list[str]:
    return [each.row["task_id"] or each.row["name"] for each in found]


async def test_a_partition_is_begun_once(make: Make):
    async with make() as stores:
        assert await stores.writing.checkpoint(0) is None
        began = await stores.writing.begin(0, LOG_ID)
        assert began == Checkpoint(0, LOG_ID, 0, ZERO)
        assert await stores.writing.begin(0, "other") == began
        assert await stores.writing.checkpoint(0) == began
        assert await stores.writing.checkpoint(1) is None


async def test_rows_and_checkpoint_are_saved_together(stores: Stores):
    story = Story()
    end = story.run()
    after = await save(stores, story)
    assert after == Checkpoint(0, LOG_ID, 0, end.id)
    assert await stores.writing.checkpoint(0) == after
    known, changes = fold_all(story.told)
    async with looking(stores.reading) as snapshot:
        assert await snapshot.checkpoint(0) == after
        told = await snapshot.task("bob", "t1")
        assert told is not None
        assert told.row == known.tasks["bob", "t1"]
        assert [told.created, told.ended] == [changes.history[0], changes.history[-1]]
        assert await snapshot.inbox("bob") == known.inboxes["bob"]
        history = await snapshot.events(
            "bob", "t1", start=story.told[0].event.id.sortable, after=None, limit=10
        )
        assert history == changes.history


@pytest.mark.parametrize(
    "wrong",
    [
        {"position": StreamId(1, 1)},
        {"era": 1},
        {"log_id": "other"},
        {"partition": 1},
        {"generation": 1024},
    ],
    ids=["position", "era", "log", "partition", "generation"],
)
async def test_nothing_is_saved_when_the_checkpoint_is_another(
    stores: Stores, wrong: dict[str, object]
):
    story = Story()
    end = story.run()
    at = await stores.writing.checkpoint(0)
    assert at is not None
    _, changes = fold_all(story.told)
    with pytest.raises(CheckpointMoved):
        await stores.writing.apply(replace(at, **wrong), end.id, changes)
    assert await stores.writing.checkpoint(0) == at
    assert await notified(stores) == []
    async with looking(stores.reading) as snapshot:
        assert await snapshot.task("bob", "t1") is None
        assert await snapshot.inbox("bob") is None


async def test_of_two_that_save_the_same_batch_one_fails(stores: Stores):
    story = Story()
    end = story.run()
    at = await stores.writing.checkpoint(0)
    assert at is not None
    _, changes = fold_all(story.told)
    await stores.writing.apply(at, end.id, changes)
    before = await notified(stores)
    with pytest.raises(CheckpointMoved):
        await stores.writing.apply(at, end.id, changes)
    assert await notified(stores) == before


async def test_a_batch_of_nothing_but_dead_entries_moves_the_checkpoint(stores: Stores):
    at = await stores.writing.checkpoint(0)
    assert at is not None
    after = await stores.writing.apply(at, StreamId(7, 7), Changes())
    assert (await stores.writing.checkpoint(0)) == after == replace(at, position=StreamId(7, 7))


async def test_partitions_move_apart(stores: Stores):
    await stores.writing.begin(1, LOG_ID)
    story = Story(partition=1)
    story.run("t1", "bobby")
    at = await stores.writing.checkpoint(1)
    assert at is not None
    await project(stores.writing, at, story.told)
    first, second = await stores.writing.checkpoint(0), await stores.writing.checkpoint(1)
    assert first is not None
    assert second is not None
    assert (first.position, second.position) == (ZERO, story.told[-1].event.id)


async def test_known_rows_are_those_asked_for(stores: Stores):
    story = Story()
    for owner in OWNERS:
        story.run("t1", owner)
        story.tell(created(), "t2", owner)
    at = await save(stores, story)
    known = await stores.writing.known(at, [("bob", "t2"), ("bob_1", "t9")], ["%"], ["bobby"])
    assert known.tasks.keys() == {("bob", "t2"), ("bobby", "t1")}
    assert known.inboxes.keys() == {"%"}
    assert known.inboxes["%"]["unread"] == 1
    assert known.tasks == {key: fold_all(story.told)[0].tasks[key] for key in known.tasks}
    nothing = await stores.writing.known(at, [], [], [])
    assert (nothing.tasks, nothing.inboxes) == ({}, {})


async def test_who_reads_is_asked_for_what_has_ended_since_alone(stores: Stores):
    story = Story()
    story.run("t1")
    read = story.tell(e.InboxRead(until=str(story.told[-1].event.id)), "")
    story.run("t2")
    story.run("t3")
    story.tell(e.TaskDismissed(), "t3", attempt=1)
    story.tell(created(), "t4")
    at = await save(stores, story)
    known = await stores.writing.known(at, [], [], ["bob", "nobody"])
    assert known.tasks.keys() == {("bob", "t2")}
    assert known.tasks["bob", "t2"]["position"] > read.id.sortable


async def test_thousands_of_known_rows_are_found_in_one_go(stores: Stores):
    story = Story()
    keys = [("bob" if n % 2 else "%", f"task {n}") for n in range(3000)]
    for owner, task in keys:
        story.tell(created(), task, owner, later_ms=0)
    known = await stores.writing.known(await save(stores, story), keys, [], [])
    assert known.tasks == fold_all(story.told)[0].tasks


async def test_what_is_parked_is_remembered(stores: Stores):
    story = Story()
    story.tell(e.TaskStarted(worker="w"), "t1", attempt=1)
    story.tell(e.TaskStarted(worker="w"), "t1", "bobby", attempt=1)
    story.run("t2")
    await save(stores, story)
    assert await stores.writing.parked(0) == {("bob", "t1"), ("bobby", "t1")}
    assert await stores.writing.parked(1) == set()
    again = Story(ms=story.ms)
    again.tell(created(), "t1")
    await save(stores, again)
    async with looking(stores.reading) as snapshot:
        assert await snapshot.task("bob", "t1") is None


async def test_rows_come_in_the_order_of_their_places(stores: Stores):
    story = Story()
    for task in "cab":
        story.tell(created(), task, later_ms=0)  # all in one millisecond
    story.run("d")
    await save(stores, story)
    found = await notified(stores)
    assert about(found) == ["c", "a", "b", "d", UNREAD_MESSAGE_COUNT]
    assert places(found) == sorted(places(found))
    for count, place in enumerate(places(found), 1):
        assert await notified(stores, after=Place(*place)) == found[count:]
        assert await notified(stores, limit=count) == found[:count]


async def test_a_row_replaces_its_predecessor(stores: Stores):
    story = Story()
    story.tell(created())
    await save(stores, story)
    later = Story(ms=story.ms)
    later.tell(e.TaskStarted(worker="w"), attempt=1)
    await save(stores, later)
    found = await notified(stores)
    assert [(each.row["name"], each.row["task_id"]) for each in found] == [(TASK_PROGRESS, "t1")]
    assert found[0].task is not None
    assert found[0].task["status"] == "running"


async def test_dismissed_tasks_are_skipped_up_to_a_position(stores: Stores):
    story = Story()
    story.run("a")
    story.run("b")
    first = story.tell(e.TaskDismissed(), "a", attempt=1)
    story.tell(e.TaskDismissed(), "b", attempt=1)
    await save(stores, story)
    assert about(await notified(stores)) == ["a", "b", UNREAD_MESSAGE_COUNT]
    until = first.id.sortable
    assert about(await notified(stores, skip_dismissed_until=until)) == ["b", UNREAD_MESSAGE_COUNT]


@pytest.mark.parametrize("owner", ["bob", "bobby", "bob_1", "%", "Bob", "bo%", "bob ", "bób"])
async def test_owners_and_ids_are_compared_byte_for_byte(stores: Stores, owner: str):
    story = Story()
    for each in ("bob", "bobby", "bob_1", "%", "Bob", "bo%", "bob ", "bób"):
        story.run("t1", each, end=e.TaskSucceeded(result=each))
        story.run("T1", each, end=e.TaskSucceeded(result=each))
    await save(stores, story)
    found = await notified(stores, owner)
    assert about(found) == ["t1", "T1", UNREAD_MESSAGE_COUNT]
    async with looking(stores.reading) as snapshot:
        tasks = await snapshot.tasks(owner, ALL, "all", before=None, limit=10)
        assert [told.row["id"] for told in tasks] == ["T1", "t1"]
        assert {told.row["owner"] for told in tasks} == {owner}
        assert await snapshot.task(owner, "%") is None
        history = await snapshot.events(owner, "t1", start="", after=None, limit=100)
        assert {row["owner"] for row in history} == {owner}
        assert len(history) == 3


async def test_tasks_are_listed_newest_first_and_by_what_they_are(stores: Stores):
    story = Story()
    story.tell(created(task_type="mail.send", tags=["x"]), "live")
    story.run("done")
    story.run("gone")
    story.tell(e.TaskDismissed(), "gone", attempt=1)
    story.tell(created(tags=["x,y", 'q"']), "odd")
    await save(stores, story)

    async with looking(stores.reading) as snapshot:

        async def ids(which: str = "all", before: str | None = None, **filters: object) -> str:
            found = await snapshot.tasks(
                "bob",
                Filters(**filters),  # pyright: ignore[reportArgumentType]  # its fields
                which,  # pyright: ignore[reportArgumentType]  # one of four words
                before=before,
                limit=2 if before else 10,
            )
            return " ".join(told.row["id"] for told in found)

        assert await ids() == "odd gone done live"
        assert await ids("active") == "odd live"
        assert await ids("ended") == "done"
        assert await ids("dismissed") == "gone"
        assert await ids("dismissed", type="mail.send") == ""
        assert await ids(type="mail.send") == "live"
        assert await ids(tag="x") == "live"
        assert await ids(tag='q"') == "odd"
        assert await ids(tag="%") == await ids(tag=",") == await ids(tag='","') == ""
        assert await ids(tasks=frozenset({"done", "live"})) == "done live"
        assert await ids(tasks=frozenset[str]()) == ""
        odd = await snapshot.task("bob", "odd")
        assert odd is not None
        assert await ids(before=odd.row["created_position"]) == "gone done"


async def test_events_of_a_task_come_in_pages_from_its_beginning(stores: Stores):
    story = Story()
    story.run()
    again = story.tell(created("Again"))  # the id used once more: another task
    story.tell(e.TaskCancelled())
    await save(stores, story)
    async with looking(stores.reading) as snapshot:
        start = again.id.sortable
        both = await snapshot.events("bob", "t1", start=start, after=None, limit=10)
        assert [row["type"] for row in both] == ["task.created", "task.cancelled"]
        rest = await snapshot.events("bob", "t1", start=start, after=start, limit=10)
        assert rest == both[1:]
        assert await snapshot.events("bob", "t1", start=start, after=None, limit=1) == both[:1]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])  # in memory nobody writes meanwhile
async def test_a_snapshot_is_one_moment(stores: Stores):
    story = Story()
    story.tell(created(), "t1")
    at = await save(stores, story)
    later = Story(ms=story.ms)
    later.run("t2")
    loop = asyncio.get_running_loop()
    seen = asyncio.Event()
    saved = threading.Event()

    def look(snapshot: Snapshot) -> tuple[Checkpoint | None, list[Notified], Checkpoint | None]:
        first = snapshot.checkpoint(0)
        loop.call_soon_threadsafe(seen.set)
        assert saved.wait(10)
        found = snapshot.notifications("bob", ALL, after=None, skip_dismissed_until=None, limit=10)
        return first, found, snapshot.checkpoint(0)

    reading = asyncio.create_task(stores.reading.read(look))
    await seen.wait()
    await save(stores, later)
    saved.set()
    first, found, last = await reading
    assert first == last == at
    assert about(found) == ["t1"]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
@given(told=legal_logs(), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4))
async def test_what_is_stored_is_what_was_folded_however_it_was_cut(
    make: Make, told: list[Logged], sizes: list[int]
):
    async with make() as stores:
        await _check_stored(stores, told, sizes)


async def _check_stored(stores: Stores, told: list[Logged], sizes: list[int]) -> None:
    at = await stores.writing.begin(0, LOG_ID)
    cached: Known | None = Known()
    for batch in cuts(told, sizes):
        at, _ = await project(stores.writing, at, batch, cached)
        cached = None if len(batch) % 2 else cached  # with rows in memory, and without
    known, changes = fold_all(told)
    for owner in {each.event.owner for each in told}:
        rows = [row for row in changes.notifications.values() if row["owner"] == owner]
        rows.sort(key=lambda row: (row["position"], row["ordinal"]))
        found = await notified(stores, owner)
        assert [each.row for each in found] == rows
        for each in found:
            task = known.tasks.get((owner, each.row["task_id"]))
            assert each.task == task
        async with looking(stores.reading) as snapshot:
            assert await snapshot.inbox(owner) == known.inboxes.get(owner)
            for task_id in {each.event.task for each in told if each.event.owner == owner}:
                history = await snapshot.events(owner, task_id, start="", after=None, limit=1000)
                assert history == [
                    row
                    for row in changes.history
                    if (row["owner"], row["task_id"]) == (owner, task_id)
                ]
    assert at.position == told[-1].event.id


def numbers(history: list[HistoryRow]) -> list[int]:
    return [row["n"] for row in history if row["n"] is not None]


async def all_of(stores: Stores, owner: str, task_id: str) -> list[HistoryRow]:
    async with looking(stores.reading) as snapshot:
        return await snapshot.events(owner, task_id, start="", after=None, limit=10_000)


@pytest.mark.parametrize("batch", [7, 450, 10_000])
async def test_the_history_keeps_fewer_of_many_progress_events(stores: Stores, batch: int):
    story = Story()
    for owner in ("bob", "%"):
        story.tell(created(), "t1", owner)
    for attempt in (1, 2):
        for owner in ("bob", "%"):
            story.tell(e.TaskStarted(worker="w"), "t1", owner, attempt=attempt)
        for n in range(303):
            told = e.TaskProgressed(progress=n / 4)
            story.tell(told, attempt=attempt)
            if n < 99:
                story.tell(told, "t1", "%", attempt=attempt)
    at = await stores.writing.checkpoint(0)
    assert at is not None
    for told in cuts(story.told, [batch]):
        at, _ = await project(stores.writing, at, told)
    kept = numbers(await all_of(stores, "bob", "t1"))
    assert kept == sorted({*range(4, 607, 4), 1, 303, 304, 606})
    assert numbers(await all_of(stores, "%", "t1")) == [*range(1, 199)]


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25
)
@given(told=busy_logs(), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4))
async def test_the_kept_history_depends_on_no_batches_and_folds_to_the_same_rows(
    make: Make, told: list[Logged], sizes: list[int]
):
    with patch.object(thinning, "MOST", 3):
        other = MemoryStore()
        await project(other, await other.begin(0, LOG_ID), told)
        async with make() as stores:
            at = await stores.writing.begin(0, LOG_ID)
            for batch in cuts(told, sizes):
                at, _ = await project(stores.writing, at, batch)
            history = list[HistoryRow]()
            for task in {each.event.task for each in told}:
                kept = await all_of(stores, "bob", task)
                assert kept == await all_of(Stores(other, other, other), "bob", task)
                history += kept
            tasks = {("bob", each.event.task) for each in told}
            stored = (await stores.writing.known(at, tasks, [], [])).tasks
        known = Known()
        refold(known, sorted(history, key=lambda row: row["position"]))
    assert known.tasks == stored
