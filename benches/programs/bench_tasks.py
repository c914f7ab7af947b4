"""Our tasks for benchmarks; a worker imports them."""

import os
import time
from functools import cache

import redis

from milepost import Progress, Retry, current, task


@task("bench.noop")
def noop() -> None:
    """Do nothing."""


@task("bench.nap")
def nap(seconds: float) -> None:
    """Do as if."""
    time.sleep(seconds)


@task("bench.probe")
def probe(answer: str) -> None:
    """Say when it runs, on the clock that all processes of a machine share, in ns."""
    _server().rpush(answer, time.monotonic_ns())  # pyright: ignore  # untyped


@task("bench.reports")
def reports(count: int, pause_seconds: float, progress: Progress) -> None:
    """Report `count` times, each with the time it is made at."""
    due = time.monotonic()
    for number in range(count):
        due += pause_seconds
        time.sleep(max(0.0, due - time.monotonic()))
        progress.report(done=number, total=count, message=str(time.monotonic_ns()))


@task("bench.steps")
def steps(count: int, progress: Progress) -> None:
    """Go `count` steps of 20 ms."""
    for _ in progress.track(range(count), message="stepping"):
        time.sleep(0.02)


@task("bench.fails", max_attempts=2)
def fails(progress: Progress) -> None:
    """Ask for another attempt, then break."""
    progress.log("here")
    if current().attempt == 1:
        raise Retry(after_seconds=0.1)
    raise ValueError("as it should")


@task("bench.calls")
def calls(count: int, seconds: float, progress: Progress) -> float:
    """Report `count` times within so many seconds; microseconds of this thread for each."""
    at_once, began, used = max(1, count // 500), time.monotonic(), 0.0
    for first in range(0, count, at_once):
        time.sleep(max(0.0, began + seconds * first / count - time.monotonic()))
        before = time.thread_time()
        for number in range(first, min(first + at_once, count)):
            progress.report(done=number, total=count)
        used += time.thread_time() - before
    return used / count * 1e6


@task("bench.costs")
def costs(items: int, progress: Progress) -> dict[str, float]:
    """Nanoseconds that each way of telling costs the task, here, while the worker flushes."""
    began = time.perf_counter_ns()
    for _ in range(items):
        pass
    bare = time.perf_counter_ns()
    for _ in progress.track(range(items), message="counting"):
        pass
    tracked = time.perf_counter_ns()
    for item in range(items):
        progress.report(100 * item / items)
    reported, worked = time.perf_counter_ns(), time.thread_time_ns()
    for item in range(items):
        progress.report(done=item, total=items, message="counting")
    full, ended = time.perf_counter_ns(), time.thread_time_ns()
    return {
        "bare": (bare - began) / items,
        "track": (tracked - bare) / items,
        "report": (reported - tracked) / items,
        "report_all": (full - reported) / items,
        "report_all_cpu": (ended - worked) / items,
    }


@cache
def _server() -> redis.Redis:
    return redis.Redis.from_url(os.environ["MILEPOST_REDIS_URL"])  # pyright: ignore[reportUnknownMemberType]  # untyped
