"""Limits of a task type on running tasks of an owner and of a worker: exact, in nobody's way."""

from collections.abc import Generator
from itertools import pairwise
from typing import Any

import pytest

from log_probe import LogProbe
from milepost.keys import PartitionKeys
from milepost.owners import owner_hash
from milepost_log.attempts import Bounds, Outcome, StartedTask
from milepost_log.work import WorkLog
from valkey_cluster import BOTH, everything

pytestmark = BOTH

BOB = owner_hash("bob")
TWO = {"a.b": 2}


@pytest.fixture
def client(valkey_url: str) -> Generator[Any]:
    with everything(valkey_url) as found:
        yield found


def worker(
    client: Any, namespace: str, name: str, limits: dict[str, int] | None = None, *types: str
) -> WorkLog:
    return WorkLog(client, namespace, name, ["default"], types, TWO if limits is None else limits)


def take(work: WorkLog, room: int = 8, a_b: int | None = None) -> list[StartedTask]:
    """Take until there is no more to be had at once; of the type a.b at most `a_b`."""
    found: list[StartedTask] = []
    while True:
        of_type = sum(b'"a.b"' in task.created for task in found)
        bounds = Bounds({} if a_b is None else {"a.b": a_b - of_type})
        taken = work.take(0, room - len(found), holding=False, bounds=bounds)
        found += taken.tasks
        if taken.next_due_ms != 0 or len(found) == room:
            return found


def ids(tasks: list[StartedTask]) -> list[str]:
    return [task.id for task in tasks]


def end(work: WorkLog, *tasks: StartedTask) -> None:
    work.finish(0, [Outcome(task, "succeeded", "{}") for task in tasks])


def retry(work: WorkLog, task: StartedTask, delay_ms: int = 0) -> None:
    data = '{"error":{"code":"c","message":"m","reference":"r"},"failures":1}'
    work.finish(0, [Outcome(task, "retrying", data, delay_ms=delay_ms)])


def nothing_is_left(client: Any, namespace: str) -> bool:
    """Whether no key tells of anything that waits, runs or has a share."""
    left = {key.decode().partition("}:")[2] for key in client.scan_iter(f"*{namespace}*")}
    kinds = ("aside", "limited", "running", "unclaimed", "waiting", "owner", "drain")
    return not [key for key in left if key.startswith(kinds)]


async def test_an_owner_s_limit_holds_over_all_workers_and_is_let_go_in_order(
    log: LogProbe, client: Any, namespace: str
):
    tasks = await log.create_many([("a.b", {})] * 100)
    other = await log.create("a.b", owner="alice")
    free = await log.create("a.c")
    one, two = worker(client, namespace, "w1"), worker(client, namespace, "w2")
    first = take(one)
    assert set(ids(first)) == {*tasks[:2], other, free}, "what has to wait stands before nobody"
    assert take(two) == []
    end(one, *[task for task in first if task.id in (other, free)])
    running = [(one, task) for task in first if task.id in tasks]
    order = ids([task for _, task in running])
    while running:
        by, task = running.pop(0)
        end(by, task)
        by = one if by is two else two
        released = take(by)
        running += [(by, task) for task in released]
        order += ids(released)
        assert len(running) == min(2, 100 - len(order) + len(running))
    assert order == tasks
    await log.ended(*tasks)
    assert nothing_is_left(client, namespace)


async def test_high_priority_goes_first_among_what_waits_for_its_owner(
    log: LogProbe, client: Any, namespace: str
):
    tasks = await log.create_many([("a.b", {})] * 5)
    work = worker(client, namespace, "w1")
    running = take(work)
    high = await log.create_many([("a.b", {})] * 2, priority="high")
    order: list[str] = []
    while running:
        end(work, running.pop(0))
        released = take(work)
        order += ids(released)
        running += released
    assert order == [*high, *tasks[2:]]


async def test_the_count_is_right_whatever_becomes_of_an_attempt(
    log: LogProbe, client: Any, namespace: str
):
    tasks = await log.create_many([("a.b", {})] * 40)
    running = PartitionKeys(namespace, 0).running(BOB, "a.b")
    begun, later = dict.fromkeys(tasks, 0), list[str]()
    for turn in range(1000):
        work = worker(client, namespace, f"w{turn}")
        taken = take(work)
        assert len(taken) <= 2
        assert take(work) == []
        assert {member.decode() for member in client.smembers(running)} == set(ids(taken))
        for task in taken:
            begun[task.id] += 1
        if not taken:
            break
        match turn % 6:
            case 0:
                work.hand_back(0)
            case 1:
                beats = work.take(0, 0, holding=False).beats[work.worker]
                worker(client, namespace, "x").take_over(0, work.worker, beats)
            case 2:
                for _ in range(2):
                    retry(work, taken[0], 3_600_000)
                end(work, *taken[1:])
                later.append(taken[0].id)
            case 3:
                await log.commands.cancel("bob", taken[0].id)
                retry(work, taken[0])
                await log.commands.cancel("bob", tasks[-1 - turn // 6])
                work.hand_back(0)
            case _:
                end(work, *taken)
                end(work, *taken)
        work.hand_back(0)
    for task in later:
        await log.commands.cancel("bob", task)
    await log.ended(*tasks)
    log.check_invariants()
    assert sum(begun.values()) > len(tasks)
    assert nothing_is_left(client, namespace)


async def test_what_was_claimed_takes_and_gives_back_no_share_of_the_stream(
    log: LogProbe, client: Any, namespace: str
):
    def share() -> int:
        return int(client.hget(PartitionKeys(namespace, 0).owner(BOB), "in:default"))

    tasks = await log.create_many([("a.b", {})] * 3, priority="high")
    work = worker(client, namespace, "w1", {"a.b": 1})
    first = take(work)
    assert ids(first) == tasks[:1]
    await log.create_many([("a.c", {})] * 2)
    assert share() == 3
    end(work, *first)
    assert share() == 2
    assert ids(take(work, 1)) == [tasks[1]]
    assert share() == 2
    work.hand_back(0)
    assert share() == 3, "back in a stream it has one"
    again = take(work, 1)
    assert ids(again) == [tasks[1]]
    end(work, *again)
    last = take(work, 1)
    end(work, *last)
    assert ids(last) == [tasks[2]]
    assert share() == 2


async def test_a_limit_that_a_newer_worker_has_changed_is_heeded(
    log: LogProbe, client: Any, namespace: str
):
    tasks = await log.create_many([("a.b", {})] * 20)
    older, newer = worker(client, namespace, "w1"), worker(client, namespace, "w2", {"a.b": 4})
    running = take(older)
    assert len(running) == 2
    assert len(take(newer)) == 0, "nothing of his ended since"
    end(older, running.pop(0))
    more = take(newer)
    assert len(more) == 3
    end(newer, *more[:2])
    assert take(older) == [], "two are running still"
    end(newer, more[2])
    last = worker(client, namespace, "w3", {})
    assert len(take(last, 99)) == len(tasks) - 5
    assert len(running) == 1


async def test_what_a_worker_has_no_room_for_is_taken_by_another(
    log: LogProbe, client: Any, namespace: str
):
    tasks = await log.create_many([("a.b", {})] * 10)
    other = await log.create("a.c")
    one, two = worker(client, namespace, "w1", {}), worker(client, namespace, "w2", {})
    first = take(one, a_b=1)
    assert ids(first) == [tasks[0], other], "the rest stands before nobody"
    taken = one.take(0, 8, holding=True, bounds=Bounds({"a.b": 0}))
    assert (taken.tasks, taken.full, taken.next_due_ms) == ([], ["a.b"], None)
    assert ids(take(two, a_b=3)) == tasks[1:4]
    end(one, first[0])
    assert ids(take(one, a_b=1)) == [tasks[4]]
    assert ids(take(two, 99)) == tasks[5:]
    assert one.take(0, 8, holding=True, bounds=Bounds({"a.b": 0})).full == []


async def test_owners_whose_tasks_wait_for_room_take_turns(
    log: LogProbe, client: Any, namespace: str
):
    greedy = await log.create_many([("a.b", {})] * 200, owner="greedy")
    work = worker(client, namespace, "w1", {})
    running = take(work, a_b=1)
    modest = [await log.create("a.b", owner=name) for name in ("modest", "frugal")]
    take(work, a_b=0)
    order: list[str] = []
    while running:
        end(work, *running)
        running = take(work, a_b=1)
        order += ids(running)
    assert max(order.index(task) for task in modest) <= 3
    assert [task for task in order if task in greedy] == greedy[1:]
    assert nothing_is_left(client, namespace)


async def test_both_limits_together(log: LogProbe, client: Any, namespace: str):
    mine = await log.create_many([("a.b", {})] * 6)
    hers = await log.create_many([("a.b", {})] * 6, owner="alice")
    one, two = worker(client, namespace, "w1"), worker(client, namespace, "w2")
    first, second = take(one, a_b=3), take(two, a_b=3)
    assert len(first) == 3
    assert sorted(ids(first + second)) == sorted(mine[:2] + hers[:2])
    end(one, *first)
    end(two, *second)
    assert sorted(ids(take(one, a_b=1) + take(two, a_b=9))) == sorted(mine[2:4] + hers[2:4])


async def test_many_small_owners_do_not_starve_a_greedy_one(
    log: LogProbe, client: Any, namespace: str
):
    greedy = await log.create_many([("a.b", {})] * 40, owner="greedy")
    work = worker(client, namespace, "w1", {})
    turn, order = 0, list[str]()
    for number in range(60):
        for owner in (f"a{number}", f"b{number}"):
            await log.create("a.b", owner=owner)
        taken = work.take(0, 1, holding=False, bounds=Bounds(turn=turn))
        turn = taken.turn
        order += ids(taken.tasks)
        end(work, *taken.tasks)
    served = [order.index(task) for task in greedy if task in order]
    assert len(served) >= 15
    assert max(b - a for a, b in pairwise(served[3:])) == 4


async def test_a_suspect_is_taken_by_who_is_alone_and_by_one_that_makes_itself_so(
    log: LogProbe, client: Any, namespace: str
):
    suspect = await log.create("a.b")
    for number in range(2):
        dying = worker(client, namespace, f"d{number}", {})
        assert ids(take(dying)) == [suspect]
        beats = dying.take(0, 0, holding=True).beats[dying.worker]
        worker(client, namespace, "x").take_over(0, dying.worker, beats)
    others = await log.create_many([("a.b", {})] * 4)
    busy, other = worker(client, namespace, "w1", {}), worker(client, namespace, "w2", {})
    taken = busy.take(0, 8, holding=False, bounds=Bounds(alone=False))
    assert ids(taken.tasks) == others
    assert taken.drains, "it takes nothing more until it is alone"
    assert not other.take(0, 8, holding=False, bounds=Bounds(alone=False)).drains, "one will do"
    late = await log.create("a.c")
    taken = busy.take(0, 8, holding=True, bounds=Bounds(drains=True))
    assert ids(taken.tasks) == [suspect], "and nothing beside it"
    assert taken.tasks[0].is_suspect
    assert not taken.drains
    assert ids(take(other)) == [late]


async def test_who_drains_for_a_suspect_and_vanishes_is_replaced(
    log: LogProbe, client: Any, namespace: str
):
    suspect = await log.create("a.b")
    client.hset(PartitionKeys(namespace, 0).task(BOB, suspect), "c", 2)
    one, two = worker(client, namespace, "w1", {}), worker(client, namespace, "w2", {})
    busy = Bounds(alone=False)
    one.take(0, 8, holding=False, bounds=busy)
    assert one.take(0, 8, holding=True, bounds=busy).drains
    assert not two.take(0, 8, holding=False, bounds=busy).drains
    one.hand_back(0)
    assert two.take(0, 8, holding=True, bounds=busy).drains
    idle = worker(client, namespace, "w3", {})
    assert ids(take(idle)) == [suspect], "who is alone anyway does not wait for it"
    assert not two.take(0, 8, holding=True, bounds=Bounds(alone=False, drains=True)).drains
    assert client.exists(f"{PartitionKeys(namespace, 0).prefix}:drain") == 0
