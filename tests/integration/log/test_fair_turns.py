"""One owner's thousands do not stand before another's one, and none of them is forgotten."""

from log_probe import LogProbe
from milepost.owners import owner_hash
from milepost_log.attempts import Outcome, StartedTask
from milepost_log.work import WorkLog
from valkey_cluster import BOTH, everything

pytestmark = BOTH

MANY = 300
SHARE = 64
EXPRESS_PLACES = 3


async def test_another_s_single_task_stands_before_a_greedy_owner_s_share(
    valkey_url: str, namespace: str
):
    async with LogProbe(valkey_url, namespace) as log:
        await log.create_many([("a.b", {})] * MANY, owner="greedy")
        single = await log.create("a.b", owner="modest")
        with everything(valkey_url) as client:
            work = WorkLog(client, namespace, "w1", ["default"])
            taken = work.take(0, MANY, holding=False).tasks
    started = [task.id for task in taken]
    assert started.index(single) <= EXPRESS_PLACES + 1
    express = [task.id for task in taken if task.is_express]
    assert single in express
    assert len(express) == EXPRESS_PLACES + 1
    assert len(started) == SHARE + 1


async def test_every_waiting_task_gets_its_turn(valkey_url: str, namespace: str):
    async with LogProbe(valkey_url, namespace) as log:
        tasks = await log.create_many([("a.b", {})] * MANY, owner="greedy")
        cancelled = tasks[100:150]
        for task in cancelled:
            assert await log.commands.cancel("greedy", task) == "cancelled"
        order: list[str] = []
        with everything(valkey_url) as client:
            work = WorkLog(client, namespace, "w1", ["default"])
            while taken := work.take(0, 50, holding=False).tasks:
                order += [task.id for task in taken]
                work.finish(0, [Outcome(task, "succeeded", "{}") for task in taken])
            counts = client.hgetall(f"{{{namespace}:0}}:owner:{owner_hash('greedy')}")
        assert order == [task for task in tasks if task not in cancelled]
        assert counts == {}
        await log.ended(*tasks)
        log.check_invariants()


async def test_what_retries_and_what_is_returned_keep_the_count_right(
    valkey_url: str, namespace: str
):
    async with LogProbe(valkey_url, namespace) as log:
        tasks = await log.create_many([("a.b", {})] * MANY, owner="greedy")
        retried: set[str] = set()
        counts: dict[bytes, bytes] = {b"live": b"1"}
        with everything(valkey_url) as client:
            work = WorkLog(client, namespace, "w1", ["default"])
            for turn in range(1000):
                taken = work.take(0, 20, holding=False).tasks
                if turn % 5 == 4:
                    work.hand_back(0)
                elif taken:
                    work.finish(0, [once_more(task, retried) for task in taken])
                counts = client.hgetall(f"{{{namespace}:0}}:owner:{owner_hash('greedy')}")
                assert int(counts.get(b"in:default", 0)) <= SHARE
                if not counts:
                    break
        assert counts == {}
        await log.ended(*tasks)
        log.check_invariants()
        assert all(log.types(task).count("retrying") == 1 for task in tasks)


def once_more(task: StartedTask, retried: set[str]) -> Outcome:
    """Retry at once the first time, succeed the second."""
    if task.id in retried:
        return Outcome(task, "succeeded", "{}")
    retried.add(task.id)
    data = '{"error":{"code":"c","message":"m","reference":"r"},"failures":1}'
    return Outcome(task, "retrying", data, delay_ms=0)
