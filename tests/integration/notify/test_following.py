"""From the log to the person: state, cursors, waiting, pages, gaps. Real Valkey and SQLite."""

import asyncio
import time
from typing import Any

import pytest

from histories import OOPS, created
from milepost import events as e
from milepost.cursors import Cursor, StreamId
from milepost_log.commands import CommandLog
from milepost_notify.rows import TASK_PROGRESS, UNREAD_MESSAGE_COUNT
from notify_surroundings import Person, Scribe, task_id
from valkey_cluster import BOTH
from waiting import until

pytestmark = BOTH

RUNNING = e.TaskStarted(worker="w")


def tasks(rows: list[Any]) -> list[str]:
    """Titles of the tasks in rows."""
    return [row["data"]["title"] for row in rows if row["name"] == TASK_PROGRESS]


def counts(rows: list[Any]) -> list[int]:
    return [row["data"] for row in rows if row["name"] == UNREAD_MESSAGE_COUNT]


async def run(
    log: Scribe, title: str, owner: str = "bob", end: e.Payload | None = None
) -> tuple[str, Cursor]:
    """A task from its creation to its end; its id and the revision of the end."""
    task = task_id()
    await log.tell(created(title), task, owner)
    await log.tell(RUNNING, task, owner, attempt=1)
    return task, await log.tell(end or e.TaskSucceeded(), task, owner, attempt=1)


async def test_someone_with_nothing_gets_a_cursor_and_then_what_comes(log: Scribe, bob: Person):
    answer = await bob.poll()
    assert answer.keys() == {"notifications", "cursor", "gap", "next_poll_ms"}
    assert (answer["notifications"], answer["gap"]) == ([], False)
    _, end = await run(log, "one")
    await bob.seen(end)
    rows, _ = await bob.follow(answer["cursor"])
    assert (tasks(rows), counts(rows)) == (["one"], [1])


async def test_a_long_poll_is_answered_as_soon_as_something_happens(log: Scribe, bob: Person):
    cursor = (await bob.poll())["cursor"]
    task = task_id()
    seen = list[str]()
    for payload, attempt in (
        (created("one"), 0), (RUNNING, 1), (e.TaskProgressed(progress=40), 1),
        (e.TaskSucceeded(result={"n": 1}), 1),
    ):  # fmt: skip
        waiting = asyncio.create_task(bob.poll(cursor, wait=30))
        await asyncio.sleep(0)
        told_at = time.monotonic()
        await log.tell(payload, task, attempt=attempt)
        answer = await waiting
        assert time.monotonic() - told_at < 15
        cursor = answer["cursor"]
        data = answer["notifications"][0]["data"]
        seen.append(f"{data['status']} {data['progress']:g} {data['attempt']}")
        assert 250 <= answer["next_poll_ms"] <= 5000
    assert seen == ["queued 0 0", "running 0 1", "running 40 1", "succeeded 100 1"]
    assert data["result"] == {"n": 1}


async def test_a_long_poll_without_news_comes_back_empty_in_its_time(log: Scribe, bob: Person):
    cursor = (await bob.poll())["cursor"]
    began = time.monotonic()
    answer = await bob.poll(cursor, wait=0.3)
    assert 0.25 < time.monotonic() - began < 15
    assert (answer["notifications"], answer["gap"]) == ([], False)


async def test_others_news_end_nobodys_wait(log: Scribe, bob: Person):
    cursor = (await bob.poll())["cursor"]
    waiting = asyncio.create_task(bob.poll(cursor, wait=1))
    await run(log, "not yours", "bobby")
    assert (await waiting)["notifications"] == []


async def test_a_task_that_failed_never_reads_one_hundred(log: Scribe, bob: Person):
    task = task_id()
    await log.tell(created(), task)
    await log.tell(RUNNING, task, attempt=1)
    await log.tell(e.TaskProgressed(progress=99.99), task, attempt=1)
    end = await log.tell(e.TaskFailed(error=OOPS, failures=1, detail="secret"), task, attempt=1)
    shown = await bob.read(f"/tasks/{task}", at_least=str(end))
    assert (shown["status"], shown["progress"]) == ("failed", 99.9)
    assert shown["error"] == OOPS.model_dump()
    rows, _ = await bob.follow()
    assert all(row["data"]["progress"] < 100 for row in rows if row["name"] == TASK_PROGRESS)
    assert "secret" not in str(rows)


async def test_an_unknown_task_is_not_there_and_reads_nothing(bob: Person):
    for path in (
        f"/tasks/{task_id()}",
        f"/tasks/{task_id()}/events",
        f"/tasks/{task_id()}/explain",
    ):
        answer = await bob.get(path)
        assert answer.status_code == 404
        assert "progress" not in answer.text


async def test_many_events_of_one_millisecond_are_all_delivered_in_pages_of_one(
    log: Scribe, bob: Person
):
    cursor = (await bob.poll())["cursor"]
    moment = int(time.time() * 1000) + 60_000
    told = [
        await log.tell(created(f"{number}"), task_id(), id=f"{moment}-{number}")
        for number in range(20)
    ]
    await bob.seen(told[-1])
    rows, _ = await bob.follow(cursor, limit=1)
    assert tasks(rows) == [f"{number}" for number in range(20)]
    assert len({row["id"] for row in rows}) == 20
    half = rows[9]["id"]
    again, _ = await bob.follow(half, limit=3)
    assert again == rows[10:]


async def test_an_event_stamped_before_the_cursor_is_delivered_all_the_same(
    log: Scribe, bob: Person
):
    first = task_id()
    await bob.seen(await log.tell(created("first"), first))
    rows, cursor = await bob.follow()
    hour_ago = int(time.time() * 1000) - 3_600_000
    late = await log.tell(created("late"), task_id(), at=hour_ago)
    await bob.seen(late)
    rows, _ = await bob.follow(cursor)
    assert tasks(rows) == ["late"]
    assert rows[0]["timestamp"] == hour_ago / 1000


async def test_pages_of_the_state_contain_every_task_once(log: Scribe, bob: Person):
    ends = [await run(log, f"{number}") for number in range(7)]
    await bob.seen(ends[-1][1])
    for limit in (1, 3, 8, 100):
        rows, _ = await bob.follow(limit=limit)
        assert sorted(tasks(rows)) == [f"{number}" for number in range(7)]
        assert counts(rows) == [7]


async def test_dismissing_and_reading_reach_every_follower(log: Scribe, bob: Person, settings: Any):
    commands = CommandLog(log.client, settings.namespace, 1)
    task, first = await run(log, "one")
    other, end = await run(log, "two")
    await bob.seen(end)
    rows, cursor = await bob.follow()
    assert counts(rows) == [2]

    await commands.read("bob", first.id)
    answer = await bob.poll(cursor, wait=30)
    assert [row["data"]["read"] for row in answer["notifications"][:-1]] == [True]
    assert counts(answer["notifications"]) == [1]

    assert await commands.dismiss("bob", other, known_ended=True) == "ok"
    answer = await bob.poll(answer["cursor"], wait=30)
    assert [row["data"]["dismissed"] for row in answer["notifications"][:-1]] == [True]
    assert counts(answer["notifications"]) == [0]

    rows, _ = await bob.follow()
    assert (tasks(rows), counts(rows)) == (["one"], [0])
    listed = await bob.read("/tasks", status="ended")
    assert [each["id"] for each in listed["tasks"]] == [task]
    assert len((await bob.read("/tasks"))["tasks"]) == 2
    assert (await bob.read(f"/tasks/{other}"))["dismissed"] is True


async def test_reading_goes_no_further_than_what_had_ended(log: Scribe, bob: Person, settings: Any):
    commands = CommandLog(log.client, settings.namespace, 1)
    _, end = await run(log, "before")
    beyond = StreamId(end.id.ms + 3_600_000, 0)
    await commands.read("bob", beyond)
    await run(log, "after")

    async def rows() -> list[Any]:
        return (await bob.follow())[0]

    found = await until(rows, lambda rows: "after" in tasks(rows) and counts(rows) == [1])
    read = {
        row["data"]["title"]: row["data"]["read"] for row in found if row["name"] == TASK_PROGRESS
    }
    assert read == {"before": True, "after": False}


@pytest.mark.parametrize("owner", ["bob", "bobby", "bob_1", "%", "Bob", "böb", "bob:x"])
async def test_owners_whose_names_look_alike_see_only_their_own(
    log: Scribe, person: Any, owner: str
):
    shared = task_id()  # the same id, sent by all of them
    for each in ("bob", "bobby", "bob_1", "%", "Bob", "böb", "bob:x"):
        await log.tell(created(each), shared, each)
        await log.tell(RUNNING, shared, each, attempt=1)
        end = await log.tell(e.TaskSucceeded(result=each), shared, each, attempt=1)
    me = person(owner)
    await me.seen(end)
    rows, _ = await me.follow()
    assert (tasks(rows), counts(rows)) == ([owner], [1])
    listed = await me.read("/tasks")
    assert [each["owner"] for each in listed["tasks"]] == [owner]
    assert (await me.read(f"/tasks/{shared}"))["result"] == owner
    history = await me.read(f"/tasks/{shared}/events")
    assert [each["data"].get("title") for each in history["events"]] == [owner, None, None]


async def test_a_cursor_of_another_log_era_or_partition_gives_a_gap_and_the_state(
    log: Scribe, bob: Person
):
    _, end = await run(log, "one")
    await bob.seen(end)
    good = Cursor.parse((await bob.poll())["cursor"])
    place = (good.id, good.ordinal)
    for cursor in (
        Cursor(9, good.log, good.era, *place),
        Cursor(good.partition, b"none", good.era, *place),
        Cursor(good.partition, good.log, 9, *place),
        Cursor(good.partition, good.log, good.era, StreamId(good.id.ms + 10**9, 0), good.ordinal),
    ):
        answer = await bob.poll(str(cursor), wait=30)
        assert answer["gap"] is True
        assert tasks(answer["notifications"]) == ["one"]
        assert Cursor.parse(answer["cursor"]) == good


async def test_an_empty_cursor_counts_as_none(log: Scribe, bob: Person):
    _, end = await run(log, "one")
    await bob.seen(end)
    answer = await bob.poll("")
    assert (tasks(answer["notifications"]), answer["gap"]) == (["one"], False)


async def test_only_rows_with_a_tag_are_delivered_when_asked_for(log: Scribe, bob: Person):
    await log.tell(created("red", tags=["red"]), task_id())
    await log.tell(created("blue", tags=["blue", "dark red"]), task_id())
    _, end = await run(log, "plain")
    await bob.seen(end)
    rows, _ = await bob.follow(tag="red")
    assert [row["name"] for row in rows] == [TASK_PROGRESS]
    assert tasks(rows) == ["red"]


async def test_what_was_delivered_survives_a_restart_of_the_reader(log: Scribe, bob: Person):
    """The cursor is all a client has to keep."""
    _, end = await run(log, "one")
    await bob.seen(end)
    _, cursor = await bob.follow()
    _, end = await run(log, "two")
    await bob.seen(end)
    rows, _ = await Person(bob.http).follow(cursor)
    assert (tasks(rows), counts(rows)) == (["two"], [2])
