"""Short tasks are taken ahead of their threads; nobody waits for that behind a long one."""

from typing import Any

from log_probe import LogProbe
from milepost.events import TaskReturned
from surroundings import StartWorker

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
