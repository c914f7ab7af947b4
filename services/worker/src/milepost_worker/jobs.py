"""Owns one attempt on this worker: what was started, what it notes, how it ended. Pure.

A job is run by a dramatiq thread and told about by the session; only plain attributes pass between.
"""

import json
import traceback
from typing import Any, Literal

from pydantic_core import PydanticSerializationError, from_json, to_json

from milepost.errors import Cancelled, Fail
from milepost.events import Problem, TaskFailed, TaskSucceeded
from milepost.progress import Progress, Snapshot
from milepost_log.work import Outcome, Report, StartedTask

Ending = Literal["succeeded", "failed", "cancelled"]
MAX_DETAIL_CHARS = 8000
_NOTHING = Snapshot(None, None, None, None, None)


class ParamsChanged(Exception):
    """The stored params are not what this version of the task function wants."""


class Job:
    """One started attempt."""

    __slots__ = (
        "_sent",
        "_told",
        "abandoned",
        "progress",
        "ran",
        "result",
        "sequence",
        "started",
        "type_name",
    )

    def __init__(self, started: StartedTask, type_name: str) -> None:
        self.started = started
        self.type_name = type_name
        self.progress = Progress()
        self.ran = False
        """True once its function was called: what a middleware skipped did not succeed."""
        self.result: Any = None
        self.sequence = 0
        self.abandoned = False
        """True once somebody else has the task: whatever it still does is told to nobody."""
        self._told = self._sent = _NOTHING

    def __repr__(self) -> str:
        """Without params: they must not enter a log."""
        return f"{self.type_name} {self.started.id} attempt {self.started.attempt}"

    def params(self) -> dict[str, Any]:
        """The params as stored with the task."""
        return from_json(self.started.created).get("params", {})

    def news(self) -> Report | None:
        """What has changed since it was last told; null when nothing has.

        The same news again have the same sequence: if they did arrive, they change nothing.
        """
        snapshot = self.progress.snapshot()
        if snapshot == self._told:
            return None
        if snapshot != self._sent:
            self._sent = snapshot
            self.sequence += 1
        rest: dict[str, Any] = {}
        if snapshot.percent is None:
            rest["indeterminate"] = True
        for name in ("done", "total", "message", "step"):
            value = getattr(snapshot, name)
            if value is not None:
                rest[name] = value
        text = json.dumps(rest, ensure_ascii=False, separators=(",", ":"))
        return Report(
            self.started,
            self.sequence,
            f"{snapshot.percent or 0:g}",
            f",{text[1:]}" if rest else "}",
        )

    def told(self) -> None:
        """Note that the last `news` have arrived."""
        self._told = self._sent


def outcome(
    job: Job, error: BaseException | None, *, reference: str, max_result_bytes: int
) -> Outcome:
    """Say how an attempt ended.

    Args:
        error: what the task function raised; null when it returned.
        reference: names the failure to its owner and in the worker's log.
        max_result_bytes: a larger result fails the task, since it could be shown to nobody.
    """
    if isinstance(error, Cancelled):
        return Outcome(job.started, "cancelled", "{}")
    if error is not None:
        return _failed(job, error, reference)
    if not job.ran:
        return _failed(job, Fail("A worker's middleware skipped it", code="skipped"), reference)
    if job.result is None:
        return Outcome(job.started, "succeeded", "{}")
    try:
        result = to_json(job.result, inf_nan_mode="null")
    except (PydanticSerializationError, UnicodeError, ValueError) as err:
        return _failed(
            job, Fail(f"The result cannot be stored: {err}"[:500], code="result"), reference
        )
    if len(result) > max_result_bytes:
        text = f"The result has {len(result)} bytes, at most {max_result_bytes} are kept"
        return _failed(job, Fail(text, code="result_too_large"), reference)
    payload = TaskSucceeded(result=from_json(result))
    return Outcome(job.started, "succeeded", payload.model_dump_json())


def _failed(job: Job, error: BaseException, reference: str) -> Outcome:
    detail = None
    if isinstance(error, Fail):
        code, message = error.code, _text(error.reason)[:500]
    else:
        message = f"This did not work (reference {reference})"
        detail = _text("".join(traceback.format_exception(error)))[-MAX_DETAIL_CHARS:]
        code = {
            "ParamsChanged": "params_changed",
            "ActorNotFound": "unknown_type",
            "TimeLimitExceeded": "time_limit",
        }.get(type(error).__name__, "error")
    payload = TaskFailed(
        error=Problem(code=code, message=message, reference=reference),
        failures=1,
        detail=detail,
    )
    return Outcome(job.started, "failed", payload.model_dump_json(exclude_none=True))


def _text(text: str) -> str:
    """Without lone surrogates, which an exception may hold and JSON may not."""
    return text.encode("utf-8", "replace").decode()


def type_of(started: StartedTask) -> str:
    """The task type of a started task."""
    return from_json(started.created).get("task_type", "")
