"""One owner's 10,000 tasks and another's one, in a real worker: that one is next."""

from log_probe import LogProbe
from surroundings import StartWorker

QUEUED = 10_000
THREADS = 8


async def test_another_s_single_task_starts_before_a_handful_of_10_000(
    log: LogProbe, start_worker: StartWorker
):
    greedy = list[str]()
    for _ in range(QUEUED // 1000):
        greedy += await log.create_many(
            [("sample.sleep", {"seconds": 0.05})] * 1000, owner="greedy"
        )
    start_worker(threads=THREADS, lease_seconds=3600)
    await log.follow(lambda: sum(bool(log.end_of(task)) for task in greedy) >= 4 * THREADS)
    for _ in range(5):
        single = await log.create("sample.noop", owner="modest")
        await log.ended(single)
        created, started = log.events[single][:2]
        starts = [event.id for task in greedy for event in log.events[task][1:2]]
        # In time it is as little: what the threads have in hand, 50 ms of work.
        assert sum(created.id < each < started.id for each in starts) <= 2 * THREADS
    assert sum(not log.end_of(task) for task in greedy) > QUEUED / 2, "they were all there still"
