"""Owns what the log is told of a job's end. Pure: how it ended, `milepost.endings` says."""

from typing import Literal

from milepost.endings import Endings, Tried
from milepost.errors import Fail
from milepost.events import Payload, TaskCancelled, TaskFailed, TaskRetrying, TaskSucceeded
from milepost_log.attempts import Outcome
from milepost_worker.jobs import Job

_KINDS: dict[type[Payload], Literal["succeeded", "failed", "cancelled", "retrying"]] = {
    TaskSucceeded: "succeeded",
    TaskFailed: "failed",
    TaskCancelled: "cancelled",
    TaskRetrying: "retrying",
}


def outcome(endings: Endings, job: Job, error: BaseException | None, *, reference: str) -> Outcome:
    """The outcome of one attempt.

    Args:
        error: what the task function raised; null when it returned.
        reference: names the failure to its owner and in the worker's log.
    """
    tried = Tried(job.started.failures, job.max_attempts, reference)
    if error is None and not job.ran:
        error = Fail("A worker's middleware skipped it", code="skipped")
    ended = endings.returned(job.result, tried) if error is None else endings.raised(error, tried)
    data = ended.payload.model_dump_json(exclude_defaults=True, exclude={"runs_at"})
    return Outcome(job.started, _KINDS[type(ended.payload)], data, ended.delay_ms)
