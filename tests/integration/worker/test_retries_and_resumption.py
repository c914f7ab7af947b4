"""What failed is tried again as said; what was done is not done again."""

import signal
from collections.abc import Iterable
from pathlib import Path

from log_probe import LogProbe
from milepost.events import (
    Event,
    TaskFailed,
    TaskLogged,
    TaskProgressed,
    TaskRetrying,
    TaskSucceeded,
)
from surroundings import StartWorker
from valkey_cluster import BOTH

pytestmark = BOTH


def last(events: Iterable[Event]) -> Event:
    return list(events)[-1]


async def test_a_task_that_asks_for_it_is_tried_again(log: LogProbe, start_worker: StartWorker):
    start_worker()
    task = await log.create("sample.flaky", fail_times=2)
    await log.ended(task)
    assert log.types(task) == [
        "created", "started", "retrying", "started", "retrying", "started", "succeeded",
    ]  # fmt: skip
    payload = last(log.events[task]).payload
    assert isinstance(payload, TaskSucceeded)
    assert payload.result == 3


async def test_after_max_attempts_it_has_failed_and_says_no_secret(
    log: LogProbe, start_worker: StartWorker
):
    start_worker()
    task = await log.create("sample.always")
    await log.ended(task)
    assert log.types(task) == ["created", "started", "retrying", "started", "failed"]
    for event in log.events[task]:
        if isinstance(event.payload, TaskFailed | TaskRetrying):
            assert "secret" not in event.payload.error.model_dump_json()
            assert event.payload.detail is not None
            assert "secret text" in event.payload.detail
    payload = last(log.events[task]).payload
    assert isinstance(payload, TaskFailed)
    assert payload.failures == 2


async def test_retries_wait_as_long_as_they_were_told(log: LogProbe, start_worker: StartWorker):
    start_worker()
    task = await log.create("sample.flaky", fail_times=1)
    await log.ended(task)
    retrying, started = log.events[task][2:4]
    assert isinstance(retrying.payload, TaskRetrying)
    assert retrying.payload.runs_at - retrying.at == 50
    assert started.at >= retrying.payload.runs_at


async def test_a_retrying_task_can_be_cancelled_at_once(log: LogProbe, start_worker: StartWorker):
    start_worker()
    task = await log.create("sample.later", seconds=60)
    await log.follow(lambda: "retrying" in log.types(task))
    assert await log.commands.cancel("bob", task) == "cancelled"
    await log.ended(task)
    assert log.types(task) == ["created", "started", "retrying", "cancelled"]


async def test_a_resumed_task_does_no_item_twice_but_the_one_in_hand(
    log: LogProbe, start_worker: StartWorker, tmp_path: Path
):
    start_worker()
    ledger = tmp_path / "ledger"
    task = await log.create("sample.resumed", items=200, crash_at=77, ledger=str(ledger))
    await log.follow(lambda: "started" in log.types(task))
    start_worker()
    await log.ended(task)
    items = [int(line) for line in ledger.read_text().split()]
    assert items == [*range(78), *range(77, 200)]
    second = [event.payload for event in log.events[task] if event.attempt == 2]
    told = [payload.done for payload in second if isinstance(payload, TaskProgressed)]
    assert told[0] is not None
    assert told[0] >= 77


async def test_a_handed_back_task_goes_on_where_it_was(
    log: LogProbe, start_worker: StartWorker, tmp_path: Path
):
    worker = start_worker(grace_seconds=0)
    ledger = tmp_path / "ledger"
    task = await log.create("sample.resumed", items=2000, crash_at=-1, ledger=str(ledger))
    await log.follow(lambda: "progressed" in log.types(task))
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    start_worker()
    await log.ended(task)
    items = [int(line) for line in ledger.read_text().split()]
    assert set(items) == set(range(2000))
    assert len(items) <= 2001


async def test_steps_add_up_and_lines_are_told(log: LogProbe, start_worker: StartWorker):
    start_worker()
    task = await log.create("sample.stepped")
    await log.ended(task)
    told = [event.payload for event in log.events[task]]
    progress = [payload for payload in told if isinstance(payload, TaskProgressed)]
    assert all(payload.progress <= 25 for payload in progress if payload.step == "download")
    assert all(payload.progress >= 25 for payload in progress if payload.step == "convert")
    assert progress[-1].progress == 99.9
    lines = [payload.text for payload in told if isinstance(payload, TaskLogged)]
    assert lines == ["downloaded", "converted"]
