"""What an attempt tells, and how it is said to have ended."""

import json
from typing import Any

import pytest

from milepost import Cancelled, Fail
from milepost.endings import Endings
from milepost.errors import ParamsChanged
from milepost.events import TaskFailed, TaskProgressed, TaskSucceeded
from milepost_log.attempts import Outcome
from milepost_worker.jobs import Job
from milepost_worker.outcomes import outcome
from started import started_task


def job(result: Any = None, *, ran: bool = True) -> Job:
    made = Job(started_task(), "unit.job")
    made.result, made.ran = result, ran
    return made


def end(made: Job, error: BaseException | None = None) -> Outcome:
    endings = Endings(max_result_bytes=1000, chance=lambda: 0.5)
    return outcome(endings, made, error, reference="ref1")


def told(made: Job) -> TaskProgressed | None:
    report = made.news()
    made.told()
    if report is None:
        return None
    return TaskProgressed.model_validate_json(f'{{"progress":{report.percent}{report.rest}')


def test_nothing_new_is_told_once():
    made = job()
    assert told(made) is None
    made.progress.report(50, message='"quoted" é')
    assert told(made) == TaskProgressed(progress=50, message='"quoted" é')
    assert told(made) is None


def test_what_may_not_have_arrived_is_told_again_and_counts_once():
    made = job()
    made.progress.report(done=1, total=4)
    first = made.news()
    assert first is not None
    assert made.news() == first
    made.progress.report(done=2)
    second = made.news()
    assert second is not None
    assert second.sequence == first.sequence + 1


def test_a_bar_without_a_total_is_indeterminate():
    made = job()
    made.progress.report(done=7)
    assert told(made) == TaskProgressed(progress=0, indeterminate=True, done=7)


@pytest.mark.parametrize("result", [{"a": [1, "é"]}, [1], "x", 0, False])
def test_a_result_is_stored_as_it_is(result: Any):
    ending = end(job(result))
    assert ending.kind == "succeeded"
    assert TaskSucceeded.model_validate_json(ending.data).result == result


@pytest.mark.parametrize("result", [object(), "\ud800", "x" * 1001, {1, object()}])
def test_a_result_nobody_could_be_shown_fails_the_task(result: Any):
    ending = end(job(result))
    assert ending.kind == "failed"
    TaskFailed.model_validate_json(ending.data)


def test_a_number_json_has_no_name_for_becomes_null():
    assert json.loads(end(job({"x": float("nan")})).data) == {"result": {"x": None}}


def test_fail_is_shown_to_the_owner_as_it_is():
    failed = TaskFailed.model_validate_json(end(job(), Fail("too big", code="size")).data)
    assert (failed.error.code, failed.error.message) == ("size", "too big")
    assert failed.detail is None


def test_an_exception_may_be_the_reason():
    ended = TaskFailed.model_validate_json(end(job(), Fail(ValueError("no room"))).data)  # pyright: ignore[reportArgumentType]  # what people write
    assert ended.error.message == "no room"


@pytest.mark.parametrize(
    "error", [ValueError("secret \ud800"), ParamsChanged("secret"), SystemExit("secret")]
)
def test_exception_text_is_for_operators_alone(error: BaseException):
    failed = TaskFailed.model_validate_json(end(job(), error).data)
    assert failed.error.message == "This did not work (reference ref1)"
    assert "secret" not in failed.error.model_dump_json()
    assert failed.detail is not None
    assert "secret" in failed.detail


def test_a_task_that_stops_when_asked_is_cancelled():
    assert end(job(), Cancelled()).kind == "cancelled"


def test_a_job_that_a_middleware_skipped_did_not_succeed():
    assert end(job(ran=False)).kind == "failed"


def test_params_never_enter_a_log_line():
    assert "secret" not in repr(job())
