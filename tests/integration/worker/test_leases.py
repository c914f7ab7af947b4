"""Who computes keeps its lease, who is stopped loses it, an outage takes nothing from anyone."""

import os
import signal
from pathlib import Path

import pytest

from log_probe import LogProbe
from milepost.events import TaskSucceeded
from surroundings import StartWorker
from up_process import children_of, command_line, lives
from valkey_server import Valkey
from waiting import wait_for
from worker_process import WorkerProcess


def helpers(worker: WorkerProcess) -> list[int]:
    return [pid for pid in children_of(worker.process.pid) if "heart" in command_line(pid)]


@pytest.mark.parametrize(
    ("seconds", "lease_seconds"),
    [(6, 1), pytest.param(60, 5, marks=(pytest.mark.slow, pytest.mark.timeout(200)))],
)
async def test_a_task_that_holds_the_interpreter_is_not_taken_over(
    log: LogProbe, start_worker: StartWorker, seconds: float, lease_seconds: float
):
    busy = start_worker(lease_seconds=lease_seconds)
    task = await log.create("sample.greedy_code", seconds=seconds)
    await log.follow(lambda: "started" in log.types(task))
    other = start_worker(lease_seconds=lease_seconds)
    await log.ended(task, seconds=seconds + 60)
    assert log.types(task) == ["created", "started", "succeeded"]
    payload = log.events[task][-1].payload
    assert isinstance(payload, TaskSucceeded)
    assert payload.result == 1
    assert busy.process.poll() is None
    assert other.process.poll() is None


async def test_the_helper_ends_with_its_worker_and_is_started_again_without_it(
    log: LogProbe, start_worker: StartWorker
):
    worker = start_worker(lease_seconds=1)
    await log.ended(await log.create("sample.noop"))
    wait_for(lambda: helpers(worker), "a helper")
    (helper,) = helpers(worker)
    assert "worker" not in command_line(helper).replace(str(Path.cwd()), "")
    os.kill(helper, signal.SIGKILL)
    wait_for(lambda: helpers(worker) not in ([], [helper]), "another helper")
    (helper,) = helpers(worker)
    worker.send(signal.SIGKILL)
    wait_for(lambda: not lives(helper), "the helper's end")


async def test_an_outage_longer_than_a_lease_takes_nothing_from_the_living(
    durable_valkey: Valkey, namespace: str, start_worker: StartWorker
):
    async with LogProbe(durable_valkey.url, namespace) as log:
        start_worker(durable_valkey.url, lease_seconds=1)
        start_worker(durable_valkey.url, lease_seconds=1)
        tasks = await log.create_many([("sample.sleep", {"seconds": 6})] * 4)
        await log.follow(lambda: all("progressed" in log.types(task) for task in tasks))
        durable_valkey.kill()
        wait_for(durable_valkey.has_been_down(2.5), "a long outage")
        durable_valkey.start()
        await log.ended(*tasks)
        for task in tasks:
            assert log.types(task).count("started") == 1
