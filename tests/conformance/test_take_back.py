"""What every store does when a log has lost its tail, in memory and in SQL alike."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from databases import Databases, rows
from histories import LOG_ID, Story, created, fold_all, legal_logs, project
from milepost import events as e
from milepost.cursors import ZERO, StreamId
from milepost_notify.archive import Logged
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.memory import MemoryStore
from milepost_notify.sql import SqlProjectionStore
from milepost_notify.store import CheckpointMoved, ProjectionStore


@asynccontextmanager
async def opened(kind: str, request: pytest.FixtureRequest) -> AsyncGenerator[ProjectionStore]:
    """An empty store of this kind."""
    if kind == "memory":
        yield MemoryStore()
        return
    databases: Databases = request.getfixturevalue(f"{kind}_databases")
    store = SqlProjectionStore(databases.take())
    try:
        yield store
    finally:
        await store.close()
        databases.give_back()


async def everything(store: ProjectionStore, told: list[Logged]) -> object:
    """All rows of a log's owners and tasks, and the whole history."""
    at = await store.checkpoint(0)
    assert at is not None
    owners = {each.event.owner for each in told}
    keys = {(each.event.owner, each.event.task) for each in told if each.event.task}
    known = await store.known(at, keys, owners, owners)
    history = await store.newest(0, "f" * 32, 10_000)
    return known.tasks, known.inboxes, history


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
@given(told=legal_logs(), data=st.data())
async def test_what_is_left_gives_the_rows_it_gave_before_and_goes_on(
    kind: str, request: pytest.FixtureRequest, told: list[Logged], data: st.DataObject
):
    cut = data.draw(st.integers(0, len(told) - 1))
    async with opened(kind, request) as store, opened("memory", request) as undisturbed:
        at, _ = await project(store, await store.begin(0, LOG_ID), told)
        position = told[cut].event.id
        after = await store.take_back(at, position)
        assert after == replace(at, era=1, position=position) == await store.checkpoint(0)
        # The same, had nothing ever come behind it.
        left = told[: cut + 1]
        begun = await undisturbed.begin(0, LOG_ID)
        truth, _ = await project(undisturbed, begun, left)
        assert await everything(store, told) == await everything(undisturbed, told)
        rest = told[cut + 1 :]
        if rest:
            await project(store, after, rest)
            await project(undisturbed, truth, rest)
        assert await everything(store, told) == await everything(undisturbed, told)


async def test_nothing_is_taken_back_when_the_checkpoint_is_another(
    kind: str, request: pytest.FixtureRequest
):
    story = Story()
    story.run()
    async with opened(kind, request) as store:
        begun = await store.begin(0, LOG_ID)
        at, _ = await project(store, begun, story.told)
        before = await everything(store, story.told)
        with pytest.raises(CheckpointMoved):
            await store.take_back(begun, story.told[0].event.id)
        assert await store.checkpoint(0) == at
        assert await everything(store, story.told) == before


async def test_what_was_parked_behind_it_is_forgotten_and_what_was_before_stays(
    kind: str, request: pytest.FixtureRequest
):
    story = Story()
    story.tell(e.TaskStarted(worker="w"), "early", attempt=1)  # nobody created it
    kept = story.tell(created(), "t1")
    story.tell(e.TaskStarted(worker="w"), "late", "bobby", attempt=1)
    async with opened(kind, request) as store:
        at, _ = await project(store, await store.begin(0, LOG_ID), story.told)
        assert await store.parked(0) == {("bob", "early"), ("bobby", "late")}
        await store.take_back(at, kept.id)
        assert await store.parked(0) == {("bob", "early")}


async def test_other_owners_and_partitions_are_left_alone(
    kind: str, request: pytest.FixtureRequest
):
    story, other = Story(), Story(partition=1)
    kept = story.run("t1", "bobby")
    story.run("t2", "bob")
    other.run("t3", "%")
    async with opened(kind, request) as store:
        at, _ = await project(store, await store.begin(0, LOG_ID), story.told)
        second, _ = await project(store, await store.begin(1, LOG_ID), other.told)
        after = await store.take_back(at, kept.id)
        assert await store.checkpoint(1) == second
        known = await store.known(second, [("%", "t3")], [], [])
        assert known.tasks == fold_all(other.told)[0].tasks
        known = await store.known(after, [("bobby", "t1"), ("bob", "t2")], ["bob"], [])
        assert known.tasks.keys() == {("bobby", "t1")}
        assert known.inboxes == {}


async def test_all_can_be_taken_back(kind: str, request: pytest.FixtureRequest):
    story = Story()
    story.run()
    async with opened(kind, request) as store:
        at, _ = await project(store, await store.begin(0, LOG_ID), story.told)
        after = await store.take_back(at, ZERO)
        assert after == Checkpoint(0, LOG_ID, 1, ZERO)
        assert await store.newest(0, "f" * 32, 10) == []
        assert (await store.known(after, [("bob", "t1")], ["bob"], [])).tasks == {}


async def test_a_large_history_is_folded_in_parts(database_url: str):
    """More rows of one owner than are kept in memory at once."""
    story = Story()
    for number in range(2500):
        story.run(f"t{number}")
    store = SqlProjectionStore(database_url)
    at, _ = await project(store, await store.begin(0, LOG_ID), story.told)
    before = rows(database_url)
    last = StreamId(story.ms + 1, 0)
    again = Story(ms=story.ms)
    again.tell(created(), "lost")
    assert again.told[0].event.id == last
    at, _ = await project(store, at, again.told)
    await store.take_back(at, story.told[-1].event.id)
    await store.close()
    assert rows(database_url) == before
