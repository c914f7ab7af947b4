"""Short tasks are taken ahead of their threads; nobody waits for that behind a long one."""

import time
from collections.abc import Sequence
from typing import Any

import pytest

from log_probe import LogProbe
from milepost.errors import LogUnavailable
from milepost.events import TaskReturned
from milepost_log.attempts import Outcome, StartedTask
from milepost_log.servers import open_servers
from milepost_log.work import WorkLog
from milepost_worker.jobs import Job
from milepost_worker.session import Session
from surroundings import StartWorker
from waiting import wait_for

HEARD_MS = 50
"""So long a worker takes at most to hear that a task is not wanted, unless the machine is busy:
then another try tells."""


async def make_fast(log: LogProbe) -> None:
    """Let a worker learn that tasks are short."""
    await log.ended(*await log.create_many([("sample.noop", {})] * 300))


async def more_than_threads(log: LogProbe, threads: int) -> list[str]:
    """Long tasks of which the worker has taken some ahead of its threads. On a busy machine a short
    task may have looked long to him: then he learns once more."""
    for _ in range(20):
        await make_fast(log)
        long = await log.create_many(burst(4 * threads, 3600))

        def started(long: list[str] = long) -> int:
            return sum("started" in log.types(task) for task in long)

        await log.follow(lambda started=started: started() >= threads)
        if started() > threads:
            return long
        await cancel(log, long)
    raise AssertionError("nothing was taken ahead")


async def cancel(log: LogProbe, tasks: list[str]) -> None:
    for task in tasks:
        await log.commands.cancel("bob", task)
    await log.ended(*tasks)


def burst(count: int, seconds: float) -> list[tuple[str, dict[str, Any]]]:
    return [("sample.sleep", {"seconds": seconds})] * count


async def test_what_waits_behind_long_tasks_is_given_back_to_others(
    log: LogProbe, start_worker: StartWorker
):
    start_worker(threads=2)
    long = await more_than_threads(log, 2)

    def waits(task: str) -> bool:
        return log.types(task)[-1:] in (["created"], ["returned"])

    await log.follow(lambda: any("returned" in log.types(task) for task in long))
    await log.follow(lambda: sum(waits(task) for task in long) == 6)
    start_worker(threads=6)
    await log.follow(lambda: not any(waits(task) for task in long))
    returned = [
        event.payload
        for task in long
        for event in log.events[task]
        if isinstance(event.payload, TaskReturned)
    ]
    assert {(event.reason, event.crashes) for event in returned} == {("shutdown", 0)}
    await cancel(log, long)


async def test_a_task_that_is_cancelled_while_it_waits_for_its_thread_is_not_run(
    log: LogProbe, start_worker: StartWorker
):
    start_worker(threads=1)
    late = 0
    for _ in range(30):
        await make_fast(log)  # each time: the one that blocked was long
        blocking, *waiting = await log.create_many([*burst(1, 0.09), *[("sample.noop", {})] * 3])
        await log.follow(lambda blocking=blocking: "started" in log.types(blocking))
        for task in waiting:
            await log.commands.cancel("bob", task)
        await log.ended(blocking, *waiting)
        freed_ms = log.events[blocking][-1].id.ms
        for task in waiting:
            asked = [e.id.ms for e in log.events[task] if e.payload.type == "task.cancel_requested"]
            if asked and asked[0] < freed_ms - HEARD_MS:
                if log.end_of(task) == "cancelled":
                    return
                late += 1
    raise AssertionError(f"{late} were cancelled in time, and run")


async def test_tasks_run_in_the_order_in_which_they_came(log: LogProbe, start_worker: StartWorker):
    tasks = await log.create_many([("sample.noop", {})] * 500)
    start_worker(threads=1)
    await log.ended(*tasks)
    ends = sorted(tasks, key=lambda task: log.events[task][-1].id)
    assert ends == tasks


class Losing(WorkLog):
    """A log on whose way what is given back first gets lost."""

    lost = ""
    on_its_way = ""

    def give_back(self, partition: int, tasks: Sequence[StartedTask]) -> int:
        """Lose the request or its answer, once; ask twice from then on, as after a lost answer."""
        if self.on_its_way:
            if self.on_its_way == "answer":
                super().give_back(partition, tasks)
            self.lost, self.on_its_way = self.on_its_way, ""
            raise LogUnavailable(f"the {self.lost} was lost")
        super().give_back(partition, tasks)
        return super().give_back(partition, tasks)


@pytest.mark.parametrize("on_its_way", ["request", "answer"])
async def test_what_was_given_back_as_the_log_went_away_is_run_though_threads_are_free_again(
    log: LogProbe, valkey_url: str, namespace: str, on_its_way: str
):
    with open_servers(valkey_url) as servers:
        lossy = Losing(servers, namespace, "w1", ["default"])
        lossy.on_its_way = on_its_way
        session = Session(
            lambda: lossy,
            partitions=1, threads=1, lease_seconds=3, grace_seconds=9, max_log_lines=9,
            describe=lambda started, outbox: Job(started, "sample.noop", keep=outbox.keep),
        )  # fmt: skip

        def begun() -> Job:
            job = session.next_job(10)
            assert job is not None
            assert job.begin(time.monotonic())
            return job

        def end(job: Job) -> None:
            session.finished(job, Outcome(job.started, "succeeded", "{}"))

        short = await log.create("sample.noop")
        end(begun())
        long, late = await log.create_many([("sample.noop", {})] * 2)
        running = begun()
        ahead = session.next_job(0)
        assert ahead is not None, "the next one was not taken ahead"
        wait_for(lambda: lossy.lost or session.turn(time.monotonic()) < 0, "it to be given back")
        assert not ahead.begin(time.monotonic()), "its thread lets it be"
        for job in (running, ahead):
            end(job)
        again = begun()
        assert (running.started.id, again.started.id, again.started.attempt) == (long, late, 2)
        end(again)
        wait_for(lambda: not (session.next_job(0.05) or any(session.figures())), "the last end")
    await log.ended(short, long, late)
    assert log.types(late) == ["created", "started", "returned", "started", "succeeded"]
