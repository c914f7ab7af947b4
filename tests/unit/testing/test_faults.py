"""Workers die, stop and lose patience, owners cancel, at the very note that a test names."""

import asyncio
from typing import Any

import pytest

from milepost import Progress, current, task
from milepost.errors import InvalidValue
from milepost.testing import run
from milepost.testing.plan import WorkerDied

WORKED: list[int] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:  # pyright: ignore[reportUnusedFunction]  # a fixture
    WORKED.clear()


@task("unit.faults.resumed")
def resumed(items: int, progress: Progress) -> int:
    """Go on where an earlier attempt was."""
    for item in progress.track(range(items), resume=True):
        WORKED.append(item)
    return items


@task("unit.faults.saving")
def saving(items: int, progress: Progress) -> Any:
    """Save the items done."""
    done: list[int] = progress.saved or []
    for item in range(len(done), items):
        WORKED.append(item)
        done = [*done, item]
        progress.save(done)
    return done


@task("unit.faults.starting_over")
def starting_over(items: int, progress: Progress) -> None:
    """Keep nothing."""
    for item in progress.track(range(items)):
        WORKED.append(item)


def test_after_a_crash_only_the_item_in_hand_comes_again():
    done = run(resumed, items=5, crash_at=3)
    assert WORKED == [0, 1, 2, 2, 3, 4]
    assert (done.status, done.attempts, done.notes) == ("succeeded", 2, (3, 3))
    assert [type_name for type_name in done.types if type_name != "task.progressed"] == [
        "task.created", "task.started", "task.returned", "task.started", "task.succeeded",
    ]  # fmt: skip
    assert done.percents == [0, 20, 40, 40, 60, 80, 99.9, 100]


def test_a_state_that_was_not_kept_is_not_there_after_the_crash():
    done = run(saving, items=3, crash_at=2)
    assert WORKED == [0, 1, 1, 2]
    assert done.saved == done.result == [0, 1, 2]


def test_a_task_that_keeps_nothing_starts_over():
    run(starting_over, items=3, crash_at=3)
    assert WORKED == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("crash_at", range(1, 6))
def test_a_crash_anywhere_repeats_one_item_at_most(crash_at: int):
    run(resumed, items=5, crash_at=crash_at)
    assert sorted(WORKED) == sorted([*range(5), crash_at - 1])


def test_a_crash_in_each_attempt():
    done = run(resumed, items=5, crash_at=(2, 2))
    assert WORKED == [0, 1, 1, 2, 2, 3, 4]
    assert done.attempts == 3


def test_the_third_crash_fails_the_task():
    done = run(resumed, items=9, crash_at=(1, 1, 1))
    assert (done.status, done.attempts) == ("failed", 3)
    assert done.error is not None
    assert (done.error.code, done.error.message) == (
        "worker_lost", "Its worker stopped unexpectedly 3 times",
    )  # fmt: skip


def test_workers_that_are_stopped_count_neither_as_crash_nor_as_failure():
    done = run(resumed, items=9, shut_down_at=(1, 1, 1, 1))
    assert (done.status, done.attempts, done.waits) == ("succeeded", 5, [])


def test_a_dead_worker_tells_and_keeps_nothing_whatever_its_code_still_does():
    @task("unit.faults.undead")
    def undead(progress: Progress) -> Any:
        if current().attempt == 2:
            return progress.saved
        progress.save("alive")
        with progress.step("last", weight=0.5):
            try:
                progress.report(50)
            except BaseException:
                with pytest.raises(WorkerDied):
                    progress.save("dead")
                with pytest.raises(WorkerDied):
                    progress.log("dead")
        return "dead"

    done = run(undead, crash_at=3)
    assert (done.result, done.lines, done.percents) == ("alive", [], [0, 100])
    assert done.notes == (3, 0)


def test_time_over_is_a_failed_attempt():
    @task("unit.faults.slow", max_attempts=1, time_limit_seconds=5)
    def slow(progress: Progress) -> None:
        progress.report(10)
        progress.report(20)

    done = run(slow, time_out_at=2)
    assert done.error is not None
    assert (done.status, done.error.code, done.percents) == ("failed", "time_limit", [10])


def test_an_owner_who_asks_to_stop_is_heard_at_the_next_note():
    done = run(starting_over, items=5, cancel_at=2)
    assert WORKED == [0, 1]
    assert (done.status, done.attempts, done.percents) == ("cancelled", 1, [0, 20, 40])
    assert done.types[-2:] == ["task.cancel_requested", "task.cancelled"]


def test_a_task_may_look_whether_its_owner_asked():
    @task("unit.faults.polite")
    def polite(progress: Progress) -> int:
        count = 0
        while not progress.cancelled:
            count += 1
            progress.report(done=count)
        return count

    done = run(polite, cancel_at=7)
    assert (done.status, done.result) == ("succeeded", 7)


def test_a_coroutine_is_cancelled_at_its_next_await():
    @task("unit.faults.awaits")
    async def awaits(progress: Progress) -> None:
        progress.report(1)
        await asyncio.sleep(3600)

    assert run(awaits, cancel_at=1).status == "cancelled"


def test_a_waiting_task_is_cancelled_at_once():
    done = run(starting_over, items=1, cancel_at=0)
    assert (done.types, done.attempts) == (["task.created", "task.cancelled"], 0)


def test_a_retrying_task_is_cancelled_at_once():
    @task("unit.faults.fails")
    def fails() -> None:
        raise ValueError

    done = run(fails, cancel_at=(None, 0))
    assert done.types[-2:] == ["task.retrying", "task.cancelled"]


def test_who_asked_to_stop_gets_no_other_attempt():
    @task("unit.faults.breaks")
    def breaks(progress: Progress) -> None:
        progress.report(1)
        raise ValueError

    assert run(breaks, cancel_at=1).types[-1] == "task.cancelled"
    assert run(saving, items=3, cancel_at=1, crash_at=2).types[-2:] == [
        "task.returned", "task.cancelled",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "plan",
    [
        {"crash_at": 4}, {"shut_down_at": 9}, {"time_out_at": 4}, {"cancel_at": 4},
        {"crash_at": (1, 4)}, {"crash_at": (None, 1)}, {"cancel_at": (None, 0)}, {"crash_at": 0},
        {"cancel_at": -1},
    ],
)  # fmt: skip
def test_a_plan_that_does_not_come_true_is_an_error(plan: dict[str, Any]):
    with pytest.raises(InvalidValue):
        run(starting_over, items=3, **plan)


def test_why_a_plan_did_not_come_true_is_not_hidden():
    @task("unit.faults.broken", max_attempts=1)
    def broken(progress: Progress) -> None:
        progress.report(1)
        raise ValueError("the reason")

    with pytest.raises(InvalidValue, match="crash_at=2: attempt 1 made 1 notes") as caught:
        run(broken, crash_at=2)
    assert isinstance(caught.value.__cause__, ValueError)


def test_steps_and_tracks_inside_them_are_notes():
    @task("unit.faults.stepped")
    def stepped(progress: Progress) -> None:
        with progress.step("load", weight=0.5):
            for item in progress.track([1, 2]):
                WORKED.append(item)
        with progress.step("store", weight=0.5):
            progress.report(50)

    done = run(stepped)
    assert done.notes == (5,)
    assert done.percents == [0, 0, 25, 50, 50, 50, 75, 99.9, 100]
    assert [told.step for told in done.progress][:2] == ["load", "load"]
    assert run(stepped, crash_at=5).attempts == 2
