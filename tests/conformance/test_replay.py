"""Parked events wait with all that is behind them, and a replay makes what would have been."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from histories import LOG_ID, Story, busy_logs, created, cuts, fold_all, legal_logs
from milepost import events as e
from milepost.cursors import ZERO
from milepost_notify import cache
from milepost_notify.archive import Logged, Unread
from milepost_notify.changes import Changes, Known
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.folding import fold
from milepost_notify.replaying import Replayed
from milepost_notify.rows import UNREAD_MESSAGE_COUNT, NotificationRow, TaskKey, TaskRow
from milepost_notify.store import (
    CheckpointMoved,
    Filters,
)
from stores import Make, Stores, looking

LATER = "task.later version 2, this code knows up to 1"


def later(logged: Logged) -> Unread:
    """The entry as code reads it that does not know its version yet."""
    event = logged.event
    return Unread(event.partition, event.id, event.owner, event.task, logged.fields, LATER)


async def project(
    stores: Stores, entries: list[Logged | Unread], position: Logged
) -> tuple[Checkpoint, Changes]:
    store = stores.writing
    at = await store.checkpoint(0)
    assert at is not None
    known = Known(parked=await store.parked(0))
    cache.add(known, await store.known(at, *cache.missing(known, entries)))
    changes = fold(known, entries)
    return await store.apply(at, position.event.id, changes), changes


def placeless(tasks: dict[TaskKey, TaskRow]) -> dict[TaskKey, dict[str, object]]:
    return {key: {**row, "position": ""} for key, row in tasks.items()}


def told_by(rows: Iterable[NotificationRow]) -> set[tuple[str, str, int | None]]:
    """What rows tell. That nothing is unread goes without saying: an end that is replayed behind
    `inbox.read` was never counted, while one in its turn was, and is no more."""
    told = {(row["name"], row["task_id"], row["number"]) for row in rows}
    return told - {(UNREAD_MESSAGE_COUNT, "", 0)}


async def check_same(stores: Stores, told: list[Logged]) -> None:
    """The read models are those that `told` makes, but for places."""
    known, changes = fold_all(told)
    at = await stores.writing.checkpoint(0)
    assert at is not None
    owners = {each.event.owner for each in told}
    keys = {(each.event.owner, each.event.task) for each in told}
    stored = await stores.writing.known(at, keys, owners, owners)
    assert placeless(stored.tasks) == placeless(known.tasks)
    for row in stored.tasks.values():
        assert row["created_position"] <= row["position"] <= at.position.sortable
    for owner in owners:
        ours, should = stored.inboxes.get(owner), known.inboxes.get(owner)
        assert (ours is None) == (should is None)
        if ours and should:
            assert (ours["unread"], ours["read_until"]) == (should["unread"], should["read_until"])
        async with looking(stores.reading) as snapshot:
            found = await snapshot.notifications(
                owner, Filters(), after=None, skip_dismissed_until=None, limit=1000
            )
            shown = (each.row for each in found)
            due = (row for row in changes.notifications.values() if row["owner"] == owner)
            assert told_by(shown) == told_by(due)
            places = [(each.row["position"], each.row["ordinal"]) for each in found]
            assert len({*places}) == len(places)
            for of, task in keys:
                if of == owner:
                    history = await snapshot.events(owner, task, start="", after=None, limit=1000)
                    assert history == [
                        row
                        for row in changes.history
                        if (row["owner"], row["task_id"]) == (owner, task)
                    ]


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40
)
@given(
    told=legal_logs() | busy_logs(),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    unknown=st.lists(st.booleans(), min_size=1, max_size=7),
)
async def test_a_replay_makes_what_would_have_been(
    make: Make, told: list[Logged], sizes: list[int], unknown: list[bool]
):
    async with make() as stores:
        before = await stores.writing.begin(0, LOG_ID)
        number = 0
        for batch in cuts(told, sizes):
            entries = list[Logged | Unread]()
            for each in batch:
                is_later = unknown[number % len(unknown)] and number % 3 == 0
                entries.append(later(each) if is_later else each)
                number += 1
            await project(stores, entries, batch[-1])
        waiting = await stores.writing.parked(0)
        replayed = await stores.replaying.replay(0)
        assert (replayed.projected > 0) == bool(waiting)
        assert replayed.parked == 0
        assert await stores.writing.parked(0) == set()
        at = await stores.writing.checkpoint(0)
        assert at is not None
        assert at.era == before.era + bool(waiting)
        assert at.position == told[-1].event.id
        await check_same(stores, told)


def parked_story() -> Story:
    """A parent whose creation is parked, its child's is not; ends and reads in between."""
    story = Story()
    story.tell(created("Parent"), "p")
    story.tell(e.TaskStarted(worker="w"), "p", attempt=1)
    story.tell(created("Child", parent="p"), "c")
    end = story.tell(e.TaskSucceeded(result=1), "p", attempt=1)
    story.run("other")
    story.tell(e.InboxRead(until=str(end.id)), "")
    return story


async def test_what_others_did_meanwhile_is_taken_into_account(stores: Stores):
    told = parked_story().told
    await project(stores, [later(told[0]), *told[1:]], told[-1])
    assert await stores.writing.parked(0) == {("bob", "p")}
    assert await stores.replaying.replay(0) == Replayed(0, 3, 0)
    await check_same(stores, told)
    at = await stores.writing.checkpoint(0)
    assert at is not None
    parent = (await stores.writing.known(at, [("bob", "p")], [], [])).tasks["bob", "p"]
    assert (parent["children_count"], parent["read"]) == (1, True)


async def test_places_never_go_back(stores: Stores):
    story = Story()
    story.tell(created(), "p")
    story.tell(e.TaskStarted(worker="w"), "p", attempt=1)
    child = story.tell(created(parent="p"), "c")
    told = story.told
    at, _ = await project(stores, [told[0], later(told[1]), told[2]], told[2])
    await stores.replaying.replay(0)
    row = (await stores.writing.known(at, [("bob", "p")], [], [])).tasks["bob", "p"]
    assert (row["status"], row["children_count"]) == ("running", 1)
    assert row["position"] == child.id.sortable
    async with looking(stores.reading) as snapshot:
        found = await snapshot.notifications(
            "bob", Filters(), after=None, skip_dismissed_until=None, limit=9
        )
    places = {each.row["task_id"]: (each.row["position"], each.row["ordinal"]) for each in found}
    assert places == {"c": (child.id.sortable, 1), "p": (child.id.sortable, 2)}


async def test_reading_and_closing_may_come_in_any_order(stores: Stores):
    story = Story()
    end = story.run("t1")
    story.tell(e.InboxRead(until=str(end.id)), "")
    story.tell(e.TaskDismissed(), "t1", attempt=1)
    told = story.told
    await project(stores, [*told[:3], later(told[3]), told[4]], told[4])
    assert await stores.replaying.replay(0) == Replayed(0, 1, 0)
    await check_same(stores, told)


async def test_what_still_cannot_be_projected_stays_parked_with_its_reason(stores: Stores):
    story = Story()
    story.tell(e.TaskStarted(worker="w"), "never created", attempt=1)
    story.run("t1")
    told = story.told
    await project(stores, [told[0], later(told[1]), *told[2:]], told[-1])
    assert await stores.replaying.replay(0) == Replayed(0, 3, 1)
    assert await stores.writing.parked(0) == {("bob", "never created")}
    era = await stores.writing.checkpoint(0)
    assert await stores.replaying.replay(0) == Replayed(0, 0, 1)
    assert await stores.writing.checkpoint(0) == era, "nothing changed, so no gap"


async def test_garbage_that_was_thought_newer_stays_parked(stores: Stores):
    story = Story()
    story.tell(created())
    fields = {**story.told[0].fields, b"d": b"{}"}
    event = story.told[0].event
    entry = Unread(0, event.id, event.owner, event.task, fields, LATER)
    await project(stores, [entry], story.told[0])
    assert await stores.replaying.replay(0) == Replayed(0, 0, 1)


async def test_a_projector_that_was_at_work_finds_another_era(stores: Stores):
    story = Story()
    story.run("t1")
    before, _ = await project(stores, [later(each) for each in story.told], story.told[-1])
    await stores.replaying.replay(0)
    more = Story(ms=story.ms)
    more.tell(created(), "t2")
    with pytest.raises(CheckpointMoved):
        await stores.writing.apply(before, more.told[0].event.id, fold_all(more.told)[1])
    now = replace(before, era=before.era + 1)
    assert await stores.writing.checkpoint(0) == now
    await stores.writing.apply(now, more.told[0].event.id, fold_all(more.told)[1])


async def test_a_partition_with_nothing_parked_is_left_as_it_is(stores: Stores):
    assert await stores.replaying.replay(7) == Replayed(7, 0, 0)
    assert await stores.replaying.replay(0) == Replayed(0, 0, 0)
    assert await stores.writing.checkpoint(0) == Checkpoint(0, LOG_ID, 0, ZERO)


async def test_the_count_of_unread_tasks_is_told_anew(stores: Stores):
    story = Story()
    story.run("t1")
    story.run("t2")
    told = story.told
    await project(stores, [later(told[0]), *told[1:]], told[-1])
    await stores.replaying.replay(0)
    async with looking(stores.reading) as snapshot:
        found = await snapshot.notifications(
            "bob", Filters(), after=None, skip_dismissed_until=None, limit=9
        )
    numbers = [each.row["number"] for each in found if each.row["name"] == UNREAD_MESSAGE_COUNT]
    assert numbers == [2]
