"""Owns how an attempt is said to have ended: success, failure, another try. Pure.

What its owner may read of an error is what `Fail` said, or a reference; exception text is for
operators. The worker and `milepost.testing` end attempts by it.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from milepost.errors import Cancelled, Fail, Retry
from milepost.events import Problem, TaskCancelled, TaskFailed, TaskRetrying, TaskSucceeded
from milepost.retries import delay_seconds

MAX_DETAIL_CHARS = 8000
_FINAL = {"ParamsChanged": "params_changed", "ActorNotFound": "unknown_type"}
"""Errors that another attempt would only repeat, and their codes."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What has to be known of an attempt to end it."""

    failures: int
    """Attempts that failed before this one."""
    max_attempts: int
    """How many may fail before the task does."""
    reference: str
    """Names this attempt's failure to the owner and in the worker's log."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended."""

    payload: TaskSucceeded | TaskFailed | TaskCancelled | TaskRetrying
    """A TaskRetrying has no time yet (`runs_at` is 0): the log sets it by its own clock."""
    delay_ms: int | None = None
    """Milliseconds until the next attempt; null for an end."""


@dataclass(frozen=True, slots=True)
class Endings:
    """Says how attempts ended."""

    max_result_bytes: int
    """A larger result fails the task, since it could be shown to nobody."""
    chance: Callable[[], float]
    """For jitter: a number from 0 up to 1."""

    def returned(self, result: Any, tried: Tried) -> Ending:
        """The ending of an attempt whose function returned `result`."""
        if result is None:
            return Ending(TaskSucceeded())
        try:
            stored = to_json(result, inf_nan_mode="null")
        except (PydanticSerializationError, UnicodeError, ValueError) as err:
            unfit = Fail("The result is nothing that JSON can hold", code="result")
            unfit.__cause__ = err
            return self.raised(unfit, tried)
        if len(stored) > self.max_result_bytes:
            text = f"The result has {len(stored)} bytes, at most {self.max_result_bytes} are kept"
            return self.raised(Fail(text, code="result_too_large"), tried)
        return Ending(TaskSucceeded(result=from_json(stored)))

    def raised(self, error: BaseException, tried: Tried) -> Ending:
        """The ending of an attempt whose function raised `error`."""
        if isinstance(error, Cancelled):
            return Ending(TaskCancelled())
        kind = type(error).__name__
        failures = tried.failures + 1
        if isinstance(error, Fail):
            code, message, detail = error.code, _text(error.reason)[:500], None
        else:
            code = _FINAL.get(kind, "time_limit" if kind == "TimeLimitExceeded" else "error")
            message = f"This did not work (reference {tried.reference})"
            detail = _text("".join(traceback.format_exception(error)))[-MAX_DETAIL_CHARS:]
        problem = Problem(code=code, message=message, reference=tried.reference)
        if isinstance(error, Fail) or kind in _FINAL or failures >= tried.max_attempts:
            return Ending(TaskFailed(error=problem, failures=failures, detail=detail))
        wait = error.after_seconds if isinstance(error, Retry) else None
        if wait is None:
            wait = delay_seconds(failures, self.chance)
        retrying = TaskRetrying(error=problem, runs_at=0, failures=failures, detail=detail)
        return Ending(retrying, delay_ms=int(max(0, wait) * 1000))


def _text(text: str) -> str:
    """Without lone surrogates, which an exception may hold and JSON may not."""
    return text.encode("utf-8", "replace").decode()
