"""Limits and suspects in real workers: never more at once, nobody else waits, nothing starves."""

import signal
from collections import defaultdict

from log_probe import LogProbe
from milepost.events import TaskFailed, TaskStarted
from milepost.task_state import ENDED
from surroundings import StartWorker


def most_at_once(log: LogProbe, tasks: list[str]) -> dict[str, int]:
    """Per worker, and in all, how many of the tasks ran at once at most."""
    events = sorted((event for task in tasks for event in log.events[task]), key=lambda e: e.id)
    running, most, by = defaultdict[str, int](int), defaultdict[str, int](int), dict[str, str]()
    for event in events:
        kind = event.payload.type.removeprefix("task.")
        if isinstance(event.payload, TaskStarted):
            by[event.task] = event.payload.worker
            step = 1
        elif kind in ENDED | {"retrying", "returned"} and event.task in by:
            step = -1
        else:
            continue
        for who in (by[event.task], "all"):
            running[who] += step
            most[who] = max(most[who], running[who])
        if step < 0:
            del by[event.task]
    return most


async def test_an_owner_s_limit_holds_while_others_go_on(log: LogProbe, start_worker: StartWorker):
    first, _ = start_worker(lease_seconds=1), start_worker(lease_seconds=1)
    mine = await log.create_many([("sample.two_each", {"seconds": 0.1})] * 30)
    others = await log.create_many([("sample.noop", {})] * 30)
    await log.ended(*others)
    assert not all(log.end_of(task) for task in mine), "they wait for nobody"
    first.process.kill()
    start_worker(lease_seconds=1)
    await log.ended(*mine)
    log.check_invariants()
    assert most_at_once(log, mine)["all"] == 2


async def test_a_worker_s_limit_holds_in_each_and_all_rooms_are_used(
    log: LogProbe, start_worker: StartWorker
):
    workers = [start_worker(lease_seconds=3600) for _ in range(3)]
    await log.ended(*await log.create_many([("sample.sleep", {"seconds": 0.5})] * 24))
    tasks = await log.create_many([("sample.single", {"seconds": 0.4})] * 30)
    others = await log.create_many([("sample.noop", {})] * 30)
    await log.ended(*others)
    assert sum(log.end_of(task) is None for task in tasks) >= 15, "they wait for nobody"
    await log.ended(*tasks, seconds=20)
    most = most_at_once(log, tasks)
    assert most.pop("all") == len(workers), "all rooms are used"
    assert set(most.values()) == {1}


async def test_a_room_that_a_stopping_worker_leaves_is_another_s(
    log: LogProbe, start_worker: StartWorker
):
    stopping = start_worker(lease_seconds=3600, grace_seconds=0)
    tasks = await log.create_many([("sample.single", {"seconds": 0.3})] * 5)
    await log.follow(lambda: any(log.end_of(task) for task in tasks))
    stopping.send(signal.SIGTERM)
    assert stopping.wait() == 0
    start_worker(lease_seconds=3600)
    await log.ended(*tasks, seconds=20)
    assert most_at_once(log, tasks)["all"] == 1


async def test_innocents_beside_a_killer_succeed(log: LogProbe, start_worker: StartWorker):
    killer = await log.create("sample.killer", after_seconds=0.2, owner="mallory")
    innocents = [
        await log.create("sample.sleep", owner=f"o{number}", seconds=1.0) for number in range(7)
    ]
    workers = [start_worker(lease_seconds=1)]
    while not log.end_of(killer):
        await log.follow(lambda: workers[-1].process.poll() is not None or bool(log.end_of(killer)))
        if not log.end_of(killer):
            workers.append(start_worker(lease_seconds=1))
    await log.ended(*innocents, seconds=60)
    failed = log.events[killer][-1].payload
    assert isinstance(failed, TaskFailed)
    assert failed.error.code == "worker_lost"
    assert [log.end_of(task) for task in innocents] == ["succeeded"] * 7
    assert max(log.types(task).count("returned") for task in innocents) == 2
    log.check_invariants()


async def test_a_busy_worker_makes_itself_alone_for_a_suspect_while_others_go_on(
    log: LogProbe, start_worker: StartWorker
):
    killer = await log.create("sample.killer", after_seconds=0.1)
    for _ in range(2):
        dying = start_worker(lease_seconds=1)
        assert dying.wait() != 0
    workers = [start_worker(lease_seconds=1) for _ in range(2)]
    busy = await log.create_many([("sample.sleep", {"seconds": 0.2})] * 300, owner="alice")
    await log.ended(killer, seconds=60)
    assert log.end_of(killer) == "failed"
    assert any(log.end_of(task) is None for task in busy), "it did not wait for the end of the rest"
    workers.append(start_worker(lease_seconds=1))
    await log.ended(*busy, seconds=60)
    assert all(log.types(task).count("returned") == 0 for task in busy)
