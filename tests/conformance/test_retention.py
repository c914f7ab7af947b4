"""Ended tasks go when the log is long past their end, whole, and nothing else does."""

from collections.abc import Sequence
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from databases import Databases
from histories import LOG_ID, Story, busy_logs, created, cuts, fold_all, legal_logs
from milepost import events as e
from milepost.cursors import MAX_ORDINAL, StreamId
from milepost_notify import cache, retention
from milepost_notify.archive import HistoryRow, Logged
from milepost_notify.changes import Changes, Known
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.folding import fold
from milepost_notify.refolding import refold
from milepost_notify.rows import TASK_PROGRESS, UNREAD_MESSAGE_COUNT, is_unread
from milepost_notify.sql_rebuild import SqlRebuild
from milepost_notify.store import Filters
from stores import Make, Stores, in_sql, looking

KEEP_MS = 5_000


async def project(
    stores: Stores, told: Sequence[Logged], known: Known | None = None, keep_ms: int = KEEP_MS
) -> tuple[Checkpoint, Changes]:
    """Fold and save a batch with what leaves with it, as a projector does."""
    store = stores.writing
    at = await store.checkpoint(0)
    assert at is not None
    known = known if known is not None else Known(parked=await store.parked(0))
    cache.add(known, await store.known(at, *cache.missing(known, told)))
    changes = fold(known, told)
    known.gone.clear()
    position = told[-1].event.id
    until = retention.horizon(at, position, keep_ms)
    ends = None if until is None else await store.ends(at, until)
    if ends is not None:
        cache.add(known, await store.known(at, ends.keys - known.tasks.keys(), ends.owners, ()))
        cache.add(known, await store.known(at, retention.parents(known, ends), (), ()))
        retention.expire(known, changes, ends, position, position.ms)
    return await store.apply(at, position, changes), changes


async def all_of(stores: Stores, owner: str, task_id: str) -> list[HistoryRow]:
    async with looking(stores.reading) as snapshot:
        return await snapshot.events(owner, task_id, start="", after=None, limit=10_000)


def tick(story: Story, later_ms: int) -> list[Logged]:
    """Somebody else's event, so much later: the log's time goes on."""
    story.tell(e.InboxRead(until="0-0"), "", "clock", later_ms=later_ms)
    return story.told[-1:]


async def settle(stores: Stores, story: Story, later_ms: int) -> Checkpoint:
    """Let the log's time go on until nothing more leaves; where it is then."""
    at, _ = await project(stores, tick(story, later_ms))
    for _ in range(20):
        at, changes = await project(stores, tick(story, 1))
        if changes.retained is None:
            return at
    pytest.fail("it does not come to an end")


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40
)
@given(
    told=legal_logs(most=60) | busy_logs(),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    later_ms=st.integers(1, 2 * KEEP_MS),
    at_once=st.integers(1, 3),
)
async def test_what_ended_long_ago_is_gone_and_the_rest_is_as_if_it_had_never_been(
    make: Make, told: list[Logged], sizes: list[int], later_ms: int, at_once: int
):
    story = Story(ms=told[-1].event.id.ms)
    with patch.object(retention, "ENDS_AT_ONCE", at_once):
        async with make() as stores:
            await stores.writing.begin(0, LOG_ID)
            cached: Known | None = Known()
            for batch in cuts(told, sizes):
                await project(stores, batch, cached)
                cached = None if len(batch) % 2 else cached
            at = await settle(stores, story, later_ms)
            await check(stores, told, at)


async def check(stores: Stores, told: list[Logged], at: Checkpoint) -> None:
    known, changes = fold_all(told)
    until = at.retained.sortable
    stay = {
        key: row
        for key, row in known.tasks.items()
        if row["ended_position"] is None or row["ended_position"] > until
    }
    stored = await stores.writing.known(
        at, known.tasks.keys(), {owner for owner, _ in known.tasks}, ()
    )
    assert stored.tasks.keys() == stay.keys()
    history = list[HistoryRow]()
    for key in known.tasks:
        rows = await all_of(stores, *key)
        history += rows
        assert bool(rows) == (key in stay)
        if rows:
            begin = stay[key]["created_position"]
            assert [row for row in rows if row["position"] >= begin] == [
                row
                for row in changes.history
                if (row["owner"], row["task_id"]) == key and row["position"] >= begin
            ]
    for owner in {owner for owner, _ in known.tasks}:
        unread = sum(is_unread(row) for (of, _), row in stored.tasks.items() if of == owner)
        assert stored.inboxes.get(owner, {"unread": 0})["unread"] == unread
        async with looking(stores.reading) as snapshot:
            found = await snapshot.notifications(
                owner, Filters(), after=None, skip_dismissed_until=None, limit=1000
            )
        tasks = {each.row["task_id"] for each in found if each.row["name"] == TASK_PROGRESS}
        assert tasks == {task for of, task in stay if of == owner}
        numbers = [each.row["number"] for each in found if each.row["name"] == UNREAD_MESSAGE_COUNT]
        assert (numbers or [0]) == [unread]
        for each in found:
            assert each.row["task_id"] == "" or each.task is not None
    for key, row in stored.tasks.items():
        alike = {**row, "children_count": 0, "position": ""}
        assert alike == {**stay[key], "children_count": 0, "position": ""}
    # What is left makes the same rows, so that it can be rebuilt.
    history += await read_marks(stores, known)
    again = Known()
    refold(again, sorted(history, key=lambda row: row["position"]))
    for key, row in stored.tasks.items():
        assert {**again.tasks[key], "position": ""} == {**row, "position": ""}


async def read_marks(stores: Stores, known: Known) -> list[HistoryRow]:
    return [
        row for owner in {of for of, _ in known.tasks} for row in await all_of(stores, owner, "")
    ]


async def test_a_live_task_stays_however_old_it_is(stores: Stores):
    story = Story()
    story.tell(created(), "old")
    story.tell(e.TaskStarted(worker="w"), "old", attempt=1)
    story.run("ended")
    await project(stores, story.told)
    at = await settle(stores, story, 100 * KEEP_MS)
    known = await stores.writing.known(at, [("bob", "old"), ("bob", "ended")], ["bob"], [])
    assert known.tasks.keys() == {("bob", "old")}
    assert known.inboxes["bob"]["unread"] == 0
    assert len(await all_of(stores, "bob", "old")) == 2
    assert await all_of(stores, "bob", "ended") == []


async def test_readers_hear_of_the_lower_count_and_old_cursors_are_gaps(stores: Stores):
    story = Story()
    story.run("a")
    seen, _ = await project(stores, story.told)
    before, _ = await project(stores, tick(story, KEEP_MS - 1000))
    at, changes = await project(stores, tick(story, 2000))
    assert "bob" in changes.owners
    assert at.retained == StreamId(at.position.ms - KEEP_MS, 0)
    assert await stores.writing.checkpoint(0) == at
    assert not at.continues(seen.end())
    assert at.continues(before.end())
    async with looking(stores.reading) as snapshot:
        rows = await snapshot.notifications(
            "bob", Filters(), after=None, skip_dismissed_until=None, limit=9
        )
    assert [(each.row["name"], each.row["number"]) for each in rows] == [(UNREAD_MESSAGE_COUNT, 0)]
    assert (rows[0].row["position"], rows[0].row["ordinal"]) == (
        at.position.sortable, MAX_ORDINAL - 1
    )  # fmt: skip
    assert before.end().id.sortable < rows[0].row["position"]


async def test_a_parent_counts_the_children_that_are_left(stores: Stores):
    story = Story()
    story.tell(created(), "p")
    for child in ("c1", "c2"):
        story.tell(created(parent="p"), child)
    story.tell(e.TaskCancelled(), "c1")
    await project(stores, story.told)
    at = await settle(stores, story, 2 * KEEP_MS)
    known = await stores.writing.known(at, [("bob", "p"), ("bob", "c1")], [], [])
    assert known.tasks.keys() == {("bob", "p")}
    assert known.tasks["bob", "p"]["children_count"] == 1


async def test_a_task_whose_id_was_used_before_keeps_what_is_its_own(stores: Stores):
    story = Story()
    story.run("a")
    again = story.tell(created("Again"), "a")
    await project(stores, story.told)
    at = await settle(stores, story, 3 * KEEP_MS)
    known = await stores.writing.known(at, [("bob", "a")], ["bob"], [])
    assert known.tasks["bob", "a"]["title"] == "Again"
    assert known.inboxes["bob"]["unread"] == 0
    assert [row["position"] for row in await all_of(stores, "bob", "a")] == [again.id.sortable]


async def test_a_dismissal_of_what_is_kept_no_longer_is_not_parked(stores: Stores):
    story = Story()
    story.run("a")
    await project(stores, story.told)
    await settle(stores, story, 2 * KEEP_MS)
    story.tell(e.TaskDismissed(), "a", attempt=1)
    await project(stores, story.told[-1:])
    assert await stores.writing.parked(0) == set()
    assert await all_of(stores, "bob", "a") == []


async def test_an_event_folded_while_its_task_leaves_does_not_bring_it_back(stores: Stores):
    story = Story()
    story.run("a")
    await project(stores, story.told)
    before, _ = await project(stores, tick(story, 100))
    known, position = Known(), StreamId(story.ms + 2 * KEEP_MS, 0)
    until = retention.horizon(before, position, KEEP_MS)
    assert until is not None
    ends = await stores.writing.ends(before, until)
    assert ends is not None
    assert ends.keys == {("bob", "a")}
    cache.add(known, await stores.writing.known(before, ends.keys, ends.owners, ()))
    leaving = Changes()
    retention.expire(known, leaving, ends, position, position.ms)
    assert known.tasks == {}
    # The next batch is folded before this is saved: what is stored still has the task.
    later = Story(ms=position.ms)
    later.tell(e.TaskDismissed(), "a", attempt=1)
    wanted = cache.missing(known, later.told)
    cache.add(known, await stores.writing.known(before, *wanted))
    changes = fold(known, later.told)
    assert (changes.tasks, changes.notifications, changes.history) == ({}, {}, [])


async def test_what_is_parked_stays_until_it_is_replayed(stores: Stores):
    story = Story()
    story.run("a")
    await project(stores, story.told)
    at = await stores.writing.checkpoint(0)
    assert at is not None
    known = Known(parked={("bob", "a")})
    ends = await stores.writing.ends(at, at.position)
    assert ends is not None
    cache.add(known, await stores.writing.known(at, ends.keys, ends.owners, ()))
    changes = Changes()
    retention.expire(known, changes, ends, at.position, 0)
    assert changes.gone == []


async def test_a_rebuild_is_waited_for_but_not_for_ever(
    sqlite_databases: Databases,
):
    async with in_sql(sqlite_databases) as stores:
        await stores.writing.begin(0, LOG_ID)
        story = Story()
        story.run("a")
        at, _ = await project(stores, story.told)
        rebuild = SqlRebuild(stores.url, 0)
        assert rebuild.begin() is not None
        soon = replace(at, retained=StreamId(at.position.ms - 1000, 0))
        assert await stores.writing.ends(soon, at.position) is None
        long_ago = replace(at, retained=StreamId(at.position.ms - 90_000_000, 0))
        ends = await stores.writing.ends(long_ago, at.position)
        assert ends is not None
        assert ends.keys == {("bob", "a")}
        rebuild.close()
