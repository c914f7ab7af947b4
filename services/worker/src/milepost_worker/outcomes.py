"""Owns how an attempt is said to have ended: success, failure, another try. Pure.

What its owner may read of an error is what `Fail` said, or a reference; exception text is for
operators.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass

from pydantic_core import PydanticSerializationError, from_json, to_json

from milepost.errors import Cancelled, Fail, Retry
from milepost.events import Payload, Problem, TaskFailed, TaskRetrying, TaskSucceeded
from milepost_log.work import Outcome
from milepost_worker.jobs import Job
from milepost_worker.retries import delay_seconds

MAX_DETAIL_CHARS = 8000
_FINAL = {"ParamsChanged": "params_changed", "ActorNotFound": "unknown_type"}
"""Errors that another attempt would only repeat, and their codes."""


@dataclass(frozen=True, slots=True)
class Endings:
    """Says how attempts ended."""

    max_result_bytes: int
    """A larger result fails the task, since it could be shown to nobody."""
    chance: Callable[[], float]
    """For jitter: a number from 0 up to 1."""

    def of(self, job: Job, error: BaseException | None, *, reference: str) -> Outcome:
        """The outcome of one attempt.

        Args:
            error: what the task function raised; null when it returned.
            reference: names the failure to its owner and in the worker's log.
        """
        if isinstance(error, Cancelled):
            return Outcome(job.started, "cancelled", "{}")
        if error is not None:
            return self._failed(job, error, reference)
        if not job.ran:
            skipped = Fail("A worker's middleware skipped it", code="skipped")
            return self._failed(job, skipped, reference)
        if job.result is None:
            return Outcome(job.started, "succeeded", "{}")
        try:
            result = to_json(job.result, inf_nan_mode="null")
        except (PydanticSerializationError, UnicodeError, ValueError) as err:
            unfit = Fail(f"The result cannot be stored: {err}", code="result")
            return self._failed(job, unfit, reference)
        if len(result) > self.max_result_bytes:
            text = f"The result has {len(result)} bytes, at most {self.max_result_bytes} are kept"
            return self._failed(job, Fail(text, code="result_too_large"), reference)
        payload = TaskSucceeded(result=from_json(result))
        return Outcome(job.started, "succeeded", payload.model_dump_json())

    def _failed(self, job: Job, error: BaseException, reference: str) -> Outcome:
        kind = type(error).__name__
        failures = job.started.failures + 1
        if isinstance(error, Fail):
            problem = Problem(
                code=error.code, message=_text(error.reason)[:500], reference=reference
            )
            detail = None
        else:
            code = _FINAL.get(kind, "time_limit" if kind == "TimeLimitExceeded" else "error")
            message = f"This did not work (reference {reference})"
            problem = Problem(code=code, message=message, reference=reference)
            detail = _text("".join(traceback.format_exception(error)))[-MAX_DETAIL_CHARS:]
        if isinstance(error, Fail) or kind in _FINAL or failures >= job.max_attempts:
            failed = TaskFailed(error=problem, failures=failures, detail=detail)
            return Outcome(job.started, "failed", _json(failed))
        wait = error.after_seconds if isinstance(error, Retry) else None
        if wait is None:
            wait = delay_seconds(failures, self.chance)
        retrying = TaskRetrying(error=problem, runs_at=0, failures=failures, detail=detail)
        data = _json(retrying, without={"runs_at"})
        return Outcome(job.started, "retrying", data, delay_ms=max(0, int(wait * 1000)))


def _json(payload: Payload, without: set[str] | None = None) -> str:
    return payload.model_dump_json(exclude_none=True, exclude=without)


def _text(text: str) -> str:
    """Without lone surrogates, which an exception may hold and JSON may not."""
    return text.encode("utf-8", "replace").decode()
