"""A rebuild gives the rows that were there, whatever happens meanwhile; on both databases."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from databases import ON_BOTH, rows
from histories import LOG_ID, Story, created, project
from milepost import events as e
from milepost_notify import sql_rebuild, tables
from milepost_notify.changes import Known
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.comparison import Example
from milepost_notify.rebuild import Rebuilt, rebuild
from milepost_notify.sql import SqlProjectionStore
from milepost_notify.sql_generations import RebuildMoved
from milepost_notify.sql_rebuild import HistoryChanged, SqlRebuild
from milepost_notify.store import CheckpointMoved
from milepost_service.engines import engine

pytestmark = ON_BOTH
OWNERS = ("bob", "bobby", "%", "bób")


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a short history takes many."""
    monkeypatch.setattr(sql_rebuild, "EVENTS_A_STEP", 100)


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[SqlProjectionStore]:
    store = SqlProjectionStore(database_url)
    yield store
    await store.close()


@pytest.fixture
async def at(store: SqlProjectionStore) -> Checkpoint:
    return await store.begin(0, LOG_ID)


def tell_much(story: Story, count: int = 200) -> None:
    """All that can happen: progress that is thinned, retries, children, reads, dismissals."""
    first = len(story.told)
    for number in range(first, first + count):
        task, owner = f"task {number}", OWNERS[number % 4]
        parent = f"task {number - 4}" if number % 3 == 0 else None
        story.tell(created(f"{number}", parent=parent), task, owner)
        story.tell(e.TaskStarted(worker="w"), task, owner, attempt=1)
        for percent in range(250 if number == first + 7 else number % 6):
            told = e.TaskProgressed(progress=percent / 3)
            story.tell(told, task, owner, attempt=1, later_ms=0)
        if number % 9 == 0:
            continue
        ended = story.tell(e.TaskSucceeded(result=number), task, owner, attempt=1)
        if number % 7 == 0:
            story.tell(e.TaskDismissed(), task, owner, attempt=1)
        if number % 11 == 0:
            story.tell(e.InboxRead(until=str(ended.id)), "", owner)


async def save(store: SqlProjectionStore, story: Story) -> None:
    """Project what the checkpoint has not got yet, in batches."""
    at = await store.checkpoint(0)
    assert at is not None
    left = [each for each in story.told if each.event.id > at.position]
    for start in range(0, len(left), 333):
        at, _ = await project(store, at, left[start : start + 333])


def served(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """The rows without the numbers of their generations, of which there is one."""
    found = rows(url)
    for name in ("task", "notification", "inbox"):
        assert len({row[0] for row in found[name]}) <= 1, name
        found[name] = sorted((row[1:] for row in found[name]), key=repr)
    return found


def one(url: str) -> SqlRebuild:
    return SqlRebuild(url, 0)


def say_nothing(what: str, done: int, total: int) -> None:
    """Nobody looks."""


def run(url: str, *, serve: bool = True) -> Rebuilt:
    sql = one(url)
    done = rebuild(sql, serve=serve, tell=say_nothing)
    sql.close()
    assert done is not None
    return done


def change(url: str, *statements: Any) -> None:
    """Do what no code of ours does."""
    opened = engine(url, "write", tables.SCHEMA.name, connections=1)
    with opened.begin() as connection:
        for statement in statements:
            connection.execute(statement)
    opened.dispose()


def count(url: str, table: Any) -> int:
    opened = engine(url, "read", tables.SCHEMA.name, connections=1)
    with opened.begin() as connection:
        found = connection.scalar(select(func.count()).select_from(table))
    opened.dispose()
    return found or 0


async def test_the_rebuilt_rows_are_those_that_were_served(
    store: SqlProjectionStore, at: Checkpoint, database_url: str
):
    story = Story()
    tell_much(story)
    await save(store, story)
    before = served(database_url)
    done = run(database_url)
    assert not done.differs, done.tables
    assert [each.rows for each in done.tables] == [
        len(before[name]) for name in ("task", "notification", "inbox")
    ]
    assert done.events == len(before["history"])
    assert served(database_url) == before
    after = await store.checkpoint(0)
    assert after is not None
    assert after.generation != at.generation
    assert (after.era, after.position) == (at.era, story.told[-1].event.id)
    assert count(database_url, tables.generation) == 0


async def test_cursors_dismissals_and_read_marks_survive(
    store: SqlProjectionStore, at: Checkpoint, database_url: str
):
    story = Story()
    for task in "abc":
        story.run(task)
    story.tell(e.TaskDismissed(), "a", attempt=1)
    story.tell(e.InboxRead(until=str(story.told[5].event.id)), "")
    await save(store, story)
    before = await store.checkpoint(0)
    assert before is not None
    cursors = [before.cursor(each.event.id, 1) for each in story.told]
    rows_before = served(database_url)
    run(database_url)
    after = await store.checkpoint(0)
    assert after is not None
    assert all(after.continues(cursor) for cursor in cursors)
    assert after.end() == before.end()
    assert served(database_url) == rows_before


async def test_a_rebuild_that_was_killed_goes_on_where_it_was(
    store: SqlProjectionStore, at: Checkpoint, database_url: str
):
    story = Story()
    tell_much(story)
    await save(store, story)
    before = served(database_url)
    sql = one(database_url)
    begun = sql.begin()
    assert begun is not None
    for _ in range(3):
        begun, _ = sql.step(begun)
    sql.close()

    again = one(database_url)
    assert again.begin() == begun
    assert again.sizes(begun)[0] == 300
    again.close()
    done = run(database_url)
    assert not done.differs
    assert served(database_url) == before


async def test_the_projector_goes_on_meanwhile(
    store: SqlProjectionStore, at: Checkpoint, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """More is projected after each step, while it compares, and just before the switch."""
    story, loop = Story(), asyncio.get_running_loop()
    tell_much(story, 60)
    await save(store, story)

    def more(*, events: int) -> None:
        tell_much(story, events)
        asyncio.run_coroutine_threadsafe(save(store, story), loop).result(30)

    class Busy(SqlRebuild):
        def step(self, building: Any) -> Any:
            if len(story.told) < 3000:
                more(events=5)
            return super().step(building)

        def compare(self, building: Any) -> Any:
            more(events=5)  # which it has not folded yet
            found = super().compare(building)
            more(events=50)  # more than one step takes
            return found

    sql = Busy(database_url, 0)
    done = await asyncio.to_thread(rebuild, sql, serve=True, tell=say_nothing)
    sql.close()
    assert done is not None
    assert not done.differs, done.tables
    assert done.at.position == story.told[-1].event.id
    again = run(database_url)
    assert not again.differs
    assert sum(each.rows for each in done.tables) >= sum(each.rows for each in again.tables)


async def test_what_differs_is_told_with_examples_and_put_right(
    store: SqlProjectionStore, at: Checkpoint, database_url: str
):
    story = Story()
    tell_much(story, 20)
    await save(store, story)
    before = served(database_url)
    task, inbox = tables.task.c, tables.inbox.c
    change(
        database_url,
        update(tables.task).where(task.id == "task 4").values(status="lost", message="?"),
        delete(tables.task).where(task.id == "task 5"),
        update(tables.inbox).where(inbox.owner == "bobby").values(owner="nobody"),
    )
    wrong = served(database_url)
    done = run(database_url, serve=False)
    assert done.differs
    assert served(database_url) == wrong, "a dry run changes nothing"
    assert done.tables == run(database_url).tables
    found = {each.table: each for each in done.tables}
    assert (found["task"].different, found["task"].missing, found["task"].extra) == (1, 0, 1)
    assert (found["inbox"].different, found["inbox"].missing, found["inbox"].extra) == (0, 1, 1)
    assert not found["notification"].differs
    changed = {"status": ("lost", "succeeded"), "message": ("?", None)}
    assert found["task"].examples == [
        Example("different", {"owner": "bob", "id": "task 4"}, changed),
        Example("extra", {"owner": "bobby", "id": "task 5"}),
    ]
    assert served(database_url) == before
    assert not run(database_url).differs


async def test_what_was_wrongly_served_meanwhile_is_found_too(
    store: SqlProjectionStore, at: Checkpoint, database_url: str
):
    story = Story()
    tell_much(story, 20)
    await save(store, story)
    task = tables.task.c

    class Late(SqlRebuild):
        def compare(self, building: Any) -> Any:
            found = super().compare(building)
            wrong = {"position": "f" * 32, "message": "changed behind what was compared"}
            mine = (task.id == "task 4", task.generation == at.generation)
            change(database_url, update(tables.task).where(*mine).values(**wrong))
            change(database_url, update(tables.checkpoint).values(position="f" * 32))
            return found

    sql = Late(database_url, 0)
    done = rebuild(sql, serve=True, tell=say_nothing)
    sql.close()
    assert done is not None
    assert done.tables[0].different == 1


async def test_a_projector_with_rows_of_the_old_generation_saves_none_of_them(
    store: SqlProjectionStore, at: Checkpoint, database_url: str
):
    story = Story()
    tell_much(story, 20)
    known = Known()
    before, _ = await project(store, at, story.told, known)
    change(database_url, update(tables.task).values(title="wrong"))
    for row in known.tasks.values():
        row["title"] = "wrong"
    assert run(database_url).differs
    last = Story(ms=story.ms)
    last.tell(e.TaskDismissed(), "task 1", "bobby", attempt=1)
    with pytest.raises(CheckpointMoved):
        await project(store, before, last.told, known)
    story.told += last.told
    await save(store, story)
    assert not run(database_url).differs
    assert not any("wrong" in row for row in served(database_url)["task"])


async def test_history_told_anew_is_begun_again(
    store: SqlProjectionStore, at: Checkpoint, database_url: str
):
    story = Story()
    tell_much(story)
    await save(store, story)
    sql = one(database_url)
    begun = sql.begin()
    assert begun is not None
    begun, _ = sql.step(begun)
    change(database_url, update(tables.checkpoint).values(era=1))
    with pytest.raises(HistoryChanged):
        sql.step(begun)
    with pytest.raises(HistoryChanged):
        sql.switch(begun, begun.position, serve=True)
    again = sql.begin()
    sql.close()
    assert again is not None
    assert again.number != begun.number
    assert (again.era, again.position) == (1, "0" * 32)
    assert not run(database_url).differs
    assert count(database_url, tables.generation) == 0


async def test_of_two_rebuilds_one_gives_up(
    store: SqlProjectionStore, at: Checkpoint, database_url: str
):
    story = Story()
    tell_much(story)
    await save(store, story)
    first, second = one(database_url), one(database_url)
    begun = first.begin()
    assert begun is not None
    assert second.begin() == begun
    ahead, _ = first.step(begun)
    with pytest.raises(RebuildMoved):
        second.step(begun)
    first.step(ahead)
    first.close()
    second.close()
    assert not run(database_url).differs


async def test_partitions_are_rebuilt_apart(
    store: SqlProjectionStore, at: Checkpoint, database_url: str
):
    story, other = Story(), Story(partition=1)
    tell_much(story, 20)
    await save(store, story)
    other.run("t1", "somebody else")
    await project(store, await store.begin(1, LOG_ID), other.told)
    done = run(database_url)
    assert not done.differs
    assert done.tables[0].rows == 20
    second = await store.checkpoint(1)
    assert second is not None
    assert second.generation == 1


async def test_where_nothing_was_projected_there_is_nothing_to_rebuild(database_url: str):
    sql = one(database_url)
    assert rebuild(sql, serve=True, tell=say_nothing) is None
    sql.close()
