"""What operators have paused is started by nobody from the answer on, and blocks nothing else."""

from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest

from log_probe import LogProbe
from milepost import keys
from milepost.events import Actor, WorkPaused, WorkResumed
from milepost.keys import PartitionKeys
from milepost.owners import partition_of
from milepost_log.attempts import Bounds, Outcome
from milepost_log.pauses import Pauses
from milepost_log.servers import open_servers_async
from milepost_log.standings import place_of
from milepost_log.work import WorkLog
from surroundings import StartWorker
from valkey_cluster import BOTH, administrator, everything

pytestmark = BOTH


@pytest.fixture
def client(valkey_url: str) -> Generator[Any]:
    with everything(valkey_url) as found:
        yield found


@pytest.fixture
async def servers(valkey_url: str) -> AsyncGenerator[Any]:
    found = open_servers_async(valkey_url)
    yield found
    await found.aclose()


@pytest.fixture
def pauses(servers: Any, namespace: str) -> Pauses:
    return Pauses(servers, namespace, 1)


@pytest.fixture
def work(client: Any, namespace: str) -> WorkLog:
    return WorkLog(client, namespace, "w", ["default", "other"], ["a.b", "a.c"])


def take(work: WorkLog, bounds: Bounds | None = None) -> list[str]:
    """Take until there is no more to be had at once, and end all of it."""
    found = list[str]()
    for _ in range(1000):
        taken = work.take(0, 8, holding=False, bounds=bounds or Bounds())
        assert not taken.drains
        found += [task.id for task in taken.tasks]
        work.finish(0, [Outcome(task, "succeeded", "{}") for task in taken.tasks])
        if taken.next_due_ms != 0 and not taken.tasks:
            return found
    raise AssertionError("it never comes to rest")


async def test_nothing_of_a_paused_queue_is_started_and_all_of_it_once_it_goes_on(
    log: LogProbe, pauses: Pauses, work: WorkLog
):
    tasks = await log.create_many([("a.b", {})] * 100)
    first = work.take(0, 2, holding=False).tasks
    await pauses.pause("queue", "default", by="root", reason="the relay is down")
    assert take(work) == []
    work.finish(0, [Outcome(task, "succeeded", "{}") for task in first])
    assert take(work) == []
    more = await log.create_many([("a.c", {})] * 3, priority="high")
    assert take(work) == [], "submitting goes on"
    (pause,) = await pauses.all()
    assert (pause.what, pause.name, pause.by) == ("queue", "default", "root")
    assert (pause.reason, pause.everywhere) == ("the relay is down", True)
    await pauses.resume("queue", "default", by="root")
    assert await pauses.all() == []
    assert sorted(take(work)) == sorted([*more, *tasks[2:]])
    await log.ended(*tasks, *more)


async def test_a_paused_type_stands_before_no_other_and_keeps_its_order(
    log: LogProbe, pauses: Pauses, work: WorkLog, client: Any, namespace: str
):
    waiting = await log.create_many([("a.b", {})] * 300)
    others = await log.create_many([("a.c", {})] * 3)
    unlike = await log.create("a.c", owner="alice")
    await pauses.pause("type", "a.b", by="root", reason=None)
    assert set(take(work, Bounds({"a.b": 0}))) == {*others, unlike}
    assert take(work) == []
    back = WorkLog(client, namespace, "w2", ["default"], ["a.b"])
    assert take(back) == []
    await log.ended(*others, unlike)  # has read all until then
    assert not [task for task in waiting if "started" in log.types(task)]
    await pauses.resume("type", "a.b", by="root")
    assert take(work) == waiting, "in their order"
    await log.ended(*waiting)
    left = {key.decode().partition("}:")[2] for key in client.scan_iter(f"*{namespace}*")}
    assert not [key for key in left if key.startswith(("aside", "unclaimed", "paused", "drain"))]


async def test_what_waits_aside_or_alone_or_for_its_owner_is_paused_too(
    log: LogProbe, pauses: Pauses, client: Any, namespace: str
):
    def worker(name: str, *types: str) -> WorkLog:
        return WorkLog(client, namespace, name, ["default"], types, {"a.b": 1})

    aside, suspect = await log.create_many([("a.b", {}), ("a.c", {})])
    assert take(worker("w0", "x.y")) == []  # both wait aside
    for number in range(2):
        lost = worker(f"lost{number}", "a.c")
        (held,) = lost.take(0, 1, holding=False).tasks
        assert held.id == suspect
        beats = lost.take(0, 0, holding=False).beats[lost.worker]
        worker("x", "a.c").take_over(0, lost.worker, beats)
    for kind in ("a.b", "a.c"):
        await pauses.pause("type", kind, by="root", reason=None)
    assert take(worker("w1", "a.b", "a.c")) == []
    assert take(worker("w2")) == [], "not by who takes every type"
    await pauses.resume("type", "a.c", by="root")
    assert take(worker("w3", "a.b", "a.c")) == [suspect]
    await pauses.resume("type", "a.b", by="root")
    assert take(worker("w4", "a.b", "a.c")) == [aside]
    await log.ended(aside, suspect)


async def test_where_a_task_stands_says_that_it_is_paused_and_why(
    log: LogProbe, pauses: Pauses, work: WorkLog, servers: Any, namespace: str
):
    (task,) = await log.create_many([("a.b", {})])

    async def said() -> tuple[str, str | None] | None:
        place = await place_of(servers, namespace, 0, "bob", task, "a.b")
        assert place is not None
        return None if place.paused is None else (place.paused.what, place.paused.reason)

    assert await said() is None
    await pauses.pause("type", "a.b", by="root", reason="정비")
    assert await said() == ("type", "정비")
    assert take(work) == []
    assert await said() == ("type", "정비"), "nor aside"
    await pauses.pause("queue", "default", by="root", reason=None)
    assert await said() == ("queue", None)
    for what, name in (("type", "a.b"), ("queue", "default")):
        await pauses.resume(what, name, by="root")  # pyright: ignore[reportArgumentType]
    assert await said() is None


async def test_each_act_is_one_event_of_the_operator_however_often_it_is_repeated(
    valkey_url: str, servers: Any, namespace: str
):
    pauses, own = Pauses(servers, namespace, 3), partition_of("root", 3)
    async with LogProbe(valkey_url, namespace, partitions=3) as log:
        first = await pauses.pause("queue", "mails", by="root", reason="why")
        again = await pauses.pause("queue", "mails", by="root", reason="why")
        other = await pauses.pause("queue", "mails", by="eve", reason="why")
        assert first.since_ms == again.since_ms == other.since_ms
        for _ in range(2):
            await pauses.resume("queue", "mails", by="root")
        await log.follow(lambda: len(log.events["work"]) == 3)
        told = {event.owner: list[Any]() for event in log.events["work"]}
        for event in log.events["work"]:
            assert event.by == Actor("operator", event.owner)
            told[event.owner].append(event.payload)
        paused = WorkPaused(what="queue", name="mails", reason="why")
        resumed = WorkResumed(what="queue", name="mails")
        assert told == {"root": [paused, resumed], "eve": [paused]}
        assert {event.partition for event in log.events["work"] if event.owner == "root"} == {own}


async def test_a_command_that_was_cut_short_shows_and_is_put_right_by_its_repetition(
    servers: Any, namespace: str, client: Any
):
    pauses = Pauses(servers, namespace, 3)
    await pauses.pause("type", "a.b", by="root", reason=None)
    client.delete(PartitionKeys(namespace, 1).paused)
    assert [each.everywhere for each in await pauses.all()] == [False]
    await pauses.pause("type", "a.b", by="root", reason=None)
    assert [each.everywhere for each in await pauses.all()] == [True]


async def test_who_is_idle_hears_that_it_goes_on(
    log: LogProbe, pauses: Pauses, work: WorkLog, valkey_url: str, namespace: str
):
    await log.create("a.b")
    with administrator(valkey_url) as redis, redis.pubsub(ignore_subscribe_messages=True) as bell:

        def rings() -> int:
            count = 0
            while bell.get_message(timeout=0.2) is not None:
                count += 1
            return count

        bell.subscribe(keys.doorbell(namespace, "default"))
        await pauses.pause("type", "a.b", by="root", reason=None)
        await pauses.pause("queue", "default", by="root", reason=None)
        rings()
        await pauses.resume("queue", "default", by="root")
        assert rings() == 1
        assert take(work) == []
        rings()
        await pauses.resume("type", "a.b", by="root")
        assert rings() == 1


async def test_a_worker_leaves_what_is_paused_and_goes_on_when_told(
    log: LogProbe, pauses: Pauses, start_worker: StartWorker
):
    start_worker(lease_seconds=3600)
    await log.ended(await log.create("sample.noop"))
    await pauses.pause("type", "sample.noop", by="root", reason=None)
    task, marker = await log.create_many([("sample.noop", {}), ("sample.count", {"upto": 3})])
    await log.ended(marker)
    assert log.types(task) == ["created"]
    await pauses.resume("type", "sample.noop", by="root")
    await log.ended(task)
