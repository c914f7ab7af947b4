"""A rolling deployment: old workers meet tasks that only new ones can do, and leave them alone."""

import time
from typing import Any

from log_probe import LogProbe
from milepost import keys
from milepost.events import TaskFailed
from milepost.keys import PartitionKeys, doorbell
from milepost.owners import owner_hash
from milepost_log.attempts import Outcome
from milepost_log.connection import connect
from milepost_log.work import WorkLog
from milepost_worker.given_up import HOPE_SECONDS
from surroundings import StartWorker


def offered(url: str, namespace: str, name: str, *, ago: float) -> None:
    """Have some worker's offer of a type stand since so many seconds, by Redis' clock."""
    with connect(url) as client:
        redis: Any = client
        seconds, _ = redis.time()
        redis.zadd(keys.offers(namespace), {f"type {name}": (seconds - ago) * 1000})


async def test_an_older_worker_leaves_a_newer_type_to_a_newer_worker(
    log: LogProbe, valkey_url: str, namespace: str, start_worker: StartWorker
):
    offered(valkey_url, namespace, "sample.noop", ago=0)
    tasks = await log.create_many([("sample.noop", {})] * 100)
    start_worker(tasks="", lease_seconds=3600)  # knows the shipped types alone
    shipped = await log.create("demo.steps", steps=1, seconds=0)
    await log.ended(shipped)
    assert all(log.types(task) == ["created"] for task in tasks), "no attempt was counted"
    started = time.monotonic()
    start_worker(lease_seconds=3600)
    await log.ended(*tasks)
    for task in tasks:
        assert log.types(task) == ["created", "started", "succeeded"]
        assert log.events[task][1].attempt == 1
    after = await log.create("sample.noop")
    await log.ended(after, seconds=20)
    assert time.monotonic() - started < 20
    with connect(valkey_url) as client:
        left: Any = client.exists(PartitionKeys(namespace, 0).unclaimed)
    assert left == 0


async def test_a_type_that_nobody_announces_any_more_fails_in_words_its_owner_understands(
    log: LogProbe, valkey_url: str, namespace: str, start_worker: StartWorker
):
    offered(valkey_url, namespace, "sample.gone", ago=HOPE_SECONDS + 60)
    offered(valkey_url, namespace, "sample.seldom", ago=HOPE_SECONDS - 60)
    gone, seldom = await log.create("sample.gone"), await log.create("sample.seldom")
    start_worker(lease_seconds=3600)
    await log.ended(gone, seconds=20)
    failed = log.events[gone][-1].payload
    assert isinstance(failed, TaskFailed)
    assert failed.error.code == "unknown_type"
    assert failed.error.message == "Nothing here does tasks of this kind any more (sample.gone)"
    after = await log.create("sample.noop")
    await log.ended(after)
    assert log.types(seldom) == ["created"]


async def test_what_waits_aside_can_be_cancelled_and_holds_no_share(
    log: LogProbe, valkey_url: str, namespace: str
):
    tasks = await log.create_many([("sample.newer", {})] * 200)
    mine = await log.create("sample.older")
    ours = PartitionKeys(namespace, 0)
    with connect(valkey_url) as client:
        redis: Any = client
        older = WorkLog(client, namespace, "older", ["default"], ["sample.older"])
        taken = older.take(0, 8, holding=False)
        assert (taken.tasks, taken.unclaimed, taken.next_due_ms) == ([], ["sample.newer"], 0)
        while not taken.tasks and taken.next_due_ms == 0:
            taken = older.take(0, 8, holding=False)
        assert [task.id for task in taken.tasks] == [mine], "it stands behind nobody's 200"
        assert await log.commands.cancel("bob", tasks[0]) == "cancelled"
        assert int(redis.hget(ours.owner(owner_hash("bob")), "in:default")) == 1
        newer = WorkLog(client, namespace, "newer", ["default"], ["sample.newer"])
        found: list[str] = []
        while batch := newer.take(0, 100, holding=False).tasks:
            found += [task.id for task in batch]
            newer.finish(0, [Outcome(task, "succeeded", "{}") for task in batch])
        assert found == tasks[1:]
        assert redis.exists(ours.unclaimed) == 0


async def test_setting_a_task_aside_wakes_who_may_know_it(
    log: LogProbe, valkey_url: str, namespace: str
):
    await log.create("sample.newer")
    with connect(valkey_url) as client:
        redis: Any = client
        bell = redis.pubsub(ignore_subscribe_messages=True)
        bell.subscribe(doorbell(namespace, "default"))
        bell.get_message(timeout=5)
        WorkLog(client, namespace, "older", ["default"], ["sample.older"]).take(0, 8, holding=False)
        assert bell.get_message(timeout=5)["data"] == b"0"
        bell.close()
