"""A user's own dramatiq middleware in a real worker."""

from pathlib import Path

from log_probe import LogProbe
from milepost.events import TaskFailed, TaskRetrying
from surroundings import StartWorker


async def test_hooks_run_around_a_task_in_the_order_of_the_setting(
    log: LogProbe, start_worker: StartWorker, tmp_path: Path
):
    ledger = tmp_path / "ledger"
    start_worker(
        middleware="sample_middleware:Ledger, sample_middleware:second", test_ledger=ledger
    )
    await log.ended(await log.create("sample.count", upto=3))
    await log.ended(await log.create("sample.fail", reason="no"))
    assert ledger.read_text().splitlines() == [
        "first before sample.count bob 1",
        "second before sample.count bob 1",
        "second after sample.count bob 1 NoneType",
        "first after sample.count bob 1 NoneType",
        "first before sample.fail bob 1",
        "second before sample.fail bob 1",
        "second after sample.fail bob 1 Fail",
        "first after sample.fail bob 1 Fail",
    ]


async def test_a_task_that_a_middleware_skips_has_failed(
    log: LogProbe, start_worker: StartWorker, tmp_path: Path
):
    ledger = tmp_path / "ledger"
    start_worker(middleware="sample_middleware:Skips,sample_middleware:Ledger", test_ledger=ledger)
    task = await log.create("sample.fail", reason="it ran")
    await log.ended(task)
    failed = log.events[task][-1].payload
    assert isinstance(failed, TaskFailed)
    assert failed.error.code == "skipped"
    assert ledger.read_text() == "first skipped sample.fail bob 1\n"


async def test_a_faulty_middleware_prevents_neither_a_task_nor_its_end(
    log: LogProbe, start_worker: StartWorker
):
    start_worker(middleware="sample_middleware:Raises")
    tasks = [await log.create("sample.noop") for _ in range(3)]
    await log.ended(*tasks)
    assert {log.end_of(task) for task in tasks} == {"succeeded"}


async def test_what_a_middleware_refuses_is_tried_again(log: LogProbe, start_worker: StartWorker):
    start_worker(middleware="sample_middleware:Refuses")
    task = await log.create("sample.noop")
    await log.ended(task)
    assert log.types(task) == ["created", "started", "retrying", "started", "succeeded"]
    retrying = log.events[task][2].payload
    assert isinstance(retrying, TaskRetrying)
    assert "secret" not in retrying.error.message
