"""A task that a test runs lives as it would under a worker, without Redis, threads or waiting."""

import asyncio
import time
from itertools import pairwise
from typing import Any

import pytest
from pydantic import BaseModel

from milepost import Cancelled, Fail, Progress, Retry, current, task
from milepost.codec import encode
from milepost.errors import InvalidValue
from milepost.events import TaskCreated, TaskProgressed, TaskStarted
from milepost.testing import run


class Order(BaseModel):
    customer: str
    cents: int = 0


@task("unit.testing.resize", title="Resize", max_attempts=3)
def resize(urls: list[str], progress: Progress) -> dict[str, Any]:
    """Count urls."""
    for _ in progress.track(urls, message="resizing"):
        progress.log("one more")
    return {"count": len(urls)}


@task("unit.testing.flaky", max_attempts=3)
def flaky(fails: int, progress: Progress) -> int:
    """Fail some times."""
    progress.report(40)
    if current().attempt <= fails:
        raise RuntimeError("secret")
    return current().attempt


@task("unit.testing.order")
def order(what: Order) -> str:
    """Take a model."""
    return f"{what.customer} {what.cents}"


@task("unit.testing.asynchronous")
async def asynchronous(items: int) -> str:
    """Await between reports."""
    for item in range(items):
        await asyncio.sleep(0)
        current().progress.report(done=item + 1, total=items)
    return current().owner


def test_a_run_shows_events_progress_lines_and_the_result():
    done = run(resize, urls=["a", "b"], owner="bob")
    assert done.types == [
        "task.created", "task.started", "task.progressed", "task.logged", "task.progressed",
        "task.logged", "task.progressed", "task.succeeded",
    ]  # fmt: skip
    assert (done.status, done.result, done.error) == ("succeeded", {"count": 2}, None)
    assert done.progress == [
        TaskProgressed(progress=0, done=0, total=2, message="resizing"),
        TaskProgressed(progress=50, done=1, total=2, message="resizing"),
        TaskProgressed(progress=99.9, done=2, total=2, message="resizing"),
    ]
    assert done.percents == [0, 50, 99.9, 100]
    assert done.lines == ["one more", "one more"]
    assert (done.attempts, done.waits, done.notes) == (1, [], (4,))
    assert {event.owner for event in done.events} == {"bob"}


def test_events_are_whole_in_order_and_fit_the_codec():
    done = run(flaky, fails=1)
    assert [event.id for event in done.events] == sorted({event.id for event in done.events})
    assert [event.attempt for event in done.events] == [0, 1, 1, 1, 2, 2, 2]
    assert all(encode(event)["k"] == done.id for event in done.events)
    created = done.events[0].payload
    assert isinstance(created, TaskCreated)
    assert (created.task_type, created.title) == ("unit.testing.flaky", "unit.testing.flaky")
    assert created.params == {"fails": 1}


def test_retries_back_off_without_waiting():
    began = time.monotonic()
    done = run(flaky, fails=2)
    assert time.monotonic() - began < 2  # it would have waited three
    assert (done.status, done.result, done.attempts) == ("succeeded", 3, 3)
    assert done.waits == [1, 2]
    assert run(flaky, fails=2, chance=0).waits == [0, 0]
    starts = [event.at for event in done.events if isinstance(event.payload, TaskStarted)]
    assert [later - sooner for sooner, later in pairwise(starts)] == [
        1000, 2000,
    ]  # fmt: skip


def test_a_task_that_always_fails_fails_after_max_attempts():
    done = run(flaky, fails=9)
    assert (done.status, done.attempts, done.result) == ("failed", 3, None)
    assert done.error is not None
    assert done.error.message == "This did not work (reference 00000003)"
    assert isinstance(done.exception, RuntimeError)
    assert done.percents == [40, 40, 40]


def test_fail_ends_it_with_a_reason_its_owner_reads():
    @task("unit.testing.fails")
    def fails() -> None:
        raise Fail("No such file", code="file")

    done = run(fails)
    assert (done.status, done.attempts) == ("failed", 1)
    assert done.error is not None
    assert (done.error.code, done.error.message) == ("file", "No such file")


def test_retry_waits_as_long_as_it_says_and_counts():
    @task("unit.testing.later", max_attempts=2)
    def later() -> None:
        raise Retry(after_seconds=3600)

    done = run(later)
    assert (done.status, done.attempts, done.waits) == ("failed", 2, [3600])


@pytest.mark.parametrize("wrong", [{"urls": 3}, {}, {"urls": [], "more": 1}])
def test_params_the_function_does_not_want_fail_the_task(wrong: dict[str, Any]):
    done = run(resize, wrong)
    assert done.error is not None
    assert (done.status, done.error.code, done.attempts) == ("failed", "params_changed", 1)


def test_params_arrive_as_json():
    assert run(order, customer="Ann", cents="7").result == "Ann 7"
    assert run(order, Order(customer="Ann").model_dump()).result == "Ann 0"
    with pytest.raises(InvalidValue):
        run(order, customer=object())
    with pytest.raises(InvalidValue):
        run(order, customer="Ann", cents=float("nan"))


def test_params_named_like_an_argument_of_run_go_into_the_mapping():
    @task("unit.testing.named")
    def named(owner: str, crash_at: int) -> list[Any]:
        return [owner, crash_at]

    assert run(named, {"owner": "x", "crash_at": 1}).result == ["x", 1]


def test_a_result_nobody_could_be_shown_fails_the_task():
    @task("unit.testing.large", max_attempts=1)
    def large(size: int) -> str:
        return "x" * size

    error = run(large, size=70_000).error
    assert error is not None
    assert error.code == "result_too_large"


def test_async_functions_run_and_know_their_task():
    done = run(asynchronous, items=4, owner="ann")
    assert (done.result, done.percents) == ("ann", [25, 50, 75, 99.9, 100])


async def test_async_functions_run_inside_an_async_test_too():
    assert run(asynchronous, items=2, owner="ann").result == "ann"
    assert run(asynchronous, items=2, crash_at=1).attempts == 2


def test_there_is_no_running_task_behind_a_run():
    run(asynchronous, items=1)
    with pytest.raises(LookupError):
        current()


def test_what_is_meant_for_the_test_itself_goes_through():
    @task("unit.testing.interrupted")
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(interrupted)


def test_log_lines_beyond_the_limit_are_dropped():
    @task("unit.testing.chatty")
    def chatty(progress: Progress) -> None:
        for number in range(1100):
            progress.log(str(number))

    assert len(run(chatty).lines) == 1000


def test_a_swallowed_cancel_comes_again():
    @task("unit.testing.stubborn")
    def stubborn(progress: Progress) -> str:
        progress.report(1)
        try:
            progress.report(2)
        except Cancelled:
            return "cleaned up"
        return "never asked"

    done = run(stubborn, cancel_at=1)
    assert (done.status, done.result) == ("succeeded", "cleaned up")
    assert done.types[-2:] == ["task.cancel_requested", "task.succeeded"]
