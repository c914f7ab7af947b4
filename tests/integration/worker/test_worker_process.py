"""Real workers on a real server: what runs, ends; what is killed, goes on."""

import signal

import pytest

from log_probe import LogProbe
from milepost.events import TaskCreated, TaskFailed, TaskProgressed, TaskReturned, TaskSucceeded
from milepost_log import catalogue
from milepost_log.commands import NewTask
from milepost_log.connection import connect_async
from surroundings import StartWorker
from valkey_server import Valkey


async def test_every_kind_of_end(log: LogProbe, start_worker: StartWorker):
    start_worker()
    noop = await log.create("sample.noop")
    count = await log.create("sample.count", upto=1000)
    fail = await log.create("sample.fail", reason="no room")
    boom = await log.create("sample.boom", secret="hunter2")
    limited = await log.create("sample.limited")
    awaiting = await log.create("sample.limited_async")
    strange = await log.create("sample.strange")
    itself = await log.create("sample.cancels_itself")
    changed = await log.create("sample.count", upto="many")
    unknown = await log.create("sample.nobody_knows")
    failing = (fail, boom, limited, awaiting, strange, itself, changed, unknown)
    await log.ended(noop, count, *failing)
    assert log.types(noop) == ["created", "started", "succeeded"]
    payload = log.events[count][-1].payload
    assert isinstance(payload, TaskSucceeded)
    assert payload.result == {"count": 1000}
    told = log.events[count][-2].payload
    assert isinstance(told, TaskProgressed)
    assert (told.progress, told.done, told.total) == (99.9, 1000, 1000)
    codes: dict[str, str] = {}
    for task in failing:
        failed = log.events[task][-1].payload
        assert isinstance(failed, TaskFailed)
        codes[task] = failed.error.code
        assert "hunter2" not in failed.error.model_dump_json()
    assert list(codes.values()) == [
        "failed", "error", "time_limit", "time_limit", "error", "error", "params_changed",
        "unknown_type",
    ]  # fmt: skip
    told = log.events[strange][-2].payload
    assert isinstance(told, TaskProgressed)
    assert (told.progress, told.done, told.message) == (50, 1, "strange")


async def test_a_killed_worker_s_task_goes_on_elsewhere_as_attempt_2(
    log: LogProbe, start_worker: StartWorker
):
    doomed = start_worker()
    task = await log.create("sample.sleep", seconds=2)
    await log.follow(lambda: "progressed" in log.types(task))
    doomed.send(signal.SIGKILL)
    start_worker()
    await log.ended(task)
    assert [kind for kind in log.types(task) if kind != "progressed"] == [
        "created", "started", "returned", "started", "succeeded",
    ]  # fmt: skip
    assert log.events[task][-1].attempt == 2


async def test_a_stopped_worker_that_wakes_up_changes_nothing(
    log: LogProbe, start_worker: StartWorker
):
    zombie = start_worker()
    task = await log.create("sample.sleep", seconds=3)
    await log.follow(lambda: "progressed" in log.types(task))
    zombie.send(signal.SIGSTOP)
    start_worker()
    await log.follow(lambda: log.types(task).count("started") == 2)
    zombie.send(signal.SIGCONT)
    after = await log.create("sample.noop")
    await log.ended(task, after)
    assert log.types(task).count("succeeded") == 1


async def test_a_task_that_kills_its_worker_three_times_fails_with_a_reason(
    log: LogProbe, start_worker: StartWorker
):
    task = await log.create("sample.sleep", seconds=30)
    for attempt in (1, 2, 3):
        worker = start_worker()
        await log.follow(lambda: log.types(task).count("started") == attempt)  # noqa: B023  # at once
        worker.send(signal.SIGKILL)
    start_worker()
    await log.ended(task)
    failed = log.events[task][-1].payload
    assert isinstance(failed, TaskFailed)
    assert failed.error.message == "Its worker stopped unexpectedly 3 times"


async def test_sigterm_finishes_what_it_can_and_hands_the_rest_back(
    log: LogProbe, start_worker: StartWorker
):
    worker = start_worker(grace_seconds=3)
    quick = await log.create("sample.sleep", seconds=0.8)
    slow = await log.create("sample.sleep", seconds=6)
    await log.follow(lambda: {"progressed"} <= {*log.types(quick)} & {*log.types(slow)})
    worker.send(signal.SIGTERM)
    await log.ended(quick)
    late = await log.create("sample.noop")
    assert worker.wait() == 0
    await log.follow(lambda: "returned" in log.types(slow))
    assert log.types(late) == ["created"], "nothing new is taken meanwhile"
    returned = [event for event in log.events[slow] if event.payload.type == "task.returned"]
    assert isinstance(returned[0].payload, TaskReturned)
    assert (returned[0].payload.reason, returned[0].payload.crashes) == ("shutdown", 0)
    start_worker()
    await log.ended(slow, late)
    assert log.types(quick).count("started") == 1
    assert log.end_of(slow) == "succeeded"


async def test_an_idle_worker_starts_a_task_without_waiting_for_a_sweep(
    log: LogProbe, start_worker: StartWorker
):
    start_worker(lease_seconds=3600)
    await log.ended(await log.create("sample.noop"))
    for _ in range(5):
        task = await log.create("sample.noop")
        await log.ended(task, seconds=10)
        created, started = log.events[task][:2]
        assert started.id.ms - created.id.ms < 3000, "it waited for a sweep, 5 s apart"


async def test_a_delayed_task_starts_when_it_is_due(log: LogProbe, start_worker: StartWorker):
    start_worker()
    created = TaskCreated(task_type="sample.noop", title="T", queue="default", params={})
    await log.commands.create("bob", [NewTask("later", "f", created, delay_ms=700)], max_live=9)
    await log.ended("later")
    first, started = log.events["later"][:2]
    assert 700 <= started.id.ms - first.id.ms < 5000


async def test_what_waits_for_its_time_survives_a_killed_server_and_worker(
    durable_valkey: Valkey, namespace: str, start_worker: StartWorker
):
    async with LogProbe(durable_valkey.url, namespace) as log:
        worker = start_worker(durable_valkey.url)
        retried = await log.create("sample.later", seconds=5)
        await log.follow(lambda: "retrying" in log.types(retried))
        created = TaskCreated(task_type="sample.noop", title="T", queue="default", params={})
        new = NewTask("delayed", "f", created, delay_ms=5000)
        await log.commands.create("bob", [new], max_live=9)
        worker.send(signal.SIGKILL)
        durable_valkey.kill()
        durable_valkey.start()
        start_worker(durable_valkey.url)
        await log.ended(retried, "delayed", seconds=60)
        assert log.types(retried)[-3:] == ["retrying", "started", "succeeded"]
        assert log.types("delayed") == ["created", "started", "succeeded"]


async def test_a_running_task_stops_when_asked(log: LogProbe, start_worker: StartWorker):
    start_worker()
    task = await log.create("sample.sleep", seconds=60)
    await log.follow(lambda: "progressed" in log.types(task))
    assert await log.commands.cancel("bob", task) == "running"
    await log.ended(task)
    assert log.end_of(task) == "cancelled"


async def test_workers_announce_their_types(
    valkey_url: str, namespace: str, log: LogProbe, start_worker: StartWorker
):
    start_worker(public_types="mail.send")
    await log.ended(await log.create("sample.noop"))
    async with connect_async(valkey_url) as client:
        types = await catalogue.read(client, namespace, now=0)
        while not types:
            types = await catalogue.read(client, namespace, now=0)
    assert {"mail.send", "demo.steps", "sample.noop"} <= set(types)
    assert types["mail.send"].public
    assert not types["sample.noop"].public


async def test_a_server_that_is_killed_and_restarted_loses_nothing(
    durable_valkey: Valkey, namespace: str, start_worker: StartWorker
):
    async with LogProbe(durable_valkey.url, namespace) as log:
        start_worker(durable_valkey.url)
        tasks = await log.create_many([("sample.sleep", {"seconds": 0.3})] * 40)
        for seen in (3, 10, 20):
            await log.follow(
                lambda: sum(bool(log.end_of(task)) for task in tasks) >= seen  # noqa: B023  # at once
            )
            durable_valkey.kill()
            durable_valkey.start()
        await log.ended(*tasks)
        log.check_invariants()
        assert {log.end_of(task) for task in tasks} == {"succeeded"}


@pytest.mark.parametrize("task_type", ["sample.deaf", "sample.waits"])
async def test_a_task_without_progress_calls_is_stopped_too(
    log: LogProbe, start_worker: StartWorker, task_type: str
):
    start_worker(grace_seconds=0.3)
    task = await log.create(task_type)
    await log.follow(lambda: "started" in log.types(task))
    await log.commands.cancel("bob", task)
    await log.ended(task)
    assert log.end_of(task) == "cancelled"
    after = await log.create("sample.noop")
    await log.ended(after)
