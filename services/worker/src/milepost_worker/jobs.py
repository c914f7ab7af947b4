"""Owns one attempt on this worker: what was started and what it notes. Pure.

A job is run by a dramatiq thread and told about by the session; only plain attributes pass between.
"""

import json
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from pydantic_core import from_json

from milepost.events import TaskLogged
from milepost.progress import Progress, Snapshot
from milepost_log.attempts import Line, Report, StartedTask

_NOTHING = Snapshot(None, None, None, None, None)


class Job:
    """One started attempt."""

    __slots__ = (
        "_sent",
        "_told",
        "abandoned",
        "asked_at",
        "began_at",
        "handed_at",
        "interrupt",
        "is_async",
        "lock",
        "max_attempts",
        "progress",
        "ran",
        "result",
        "sequence",
        "started",
        "trace",
        "type_name",
        "untold",
    )

    def __init__(
        self,
        started: StartedTask,
        type_name: str,
        *,
        max_attempts: int = 1,
        keep: Callable[["Job", bytes], None] | None = None,
    ) -> None:
        """For the session.

        Args:
            max_attempts: how often it is tried in all.
            keep: makes a saved state safe, and returns then.
        """
        self.started = started
        self.type_name = type_name
        self.max_attempts = max_attempts
        self.progress = Progress(started.saved, partial(keep, self) if keep else None)
        self.lock = threading.Lock()
        self.interrupt: Callable[[], Any] | None = None
        """Stops the code while it runs; guarded by `lock`."""
        self.is_async = False
        self.asked_at: float | None = None
        """When its owner was heard to ask it to stop, monotonic seconds."""
        self.handed_at = 0.0
        """When it was given to dramatiq, monotonic seconds."""
        self.began_at: float | None = None
        """When a thread came to it, monotonic seconds; guarded by `lock`."""
        self.trace = started.trace
        """Traceparent of what happens because of it; empty for none."""
        self.ran = False
        """True once its function was called: what a middleware skipped did not succeed."""
        self.result: Any = None
        self.sequence = 0
        self.untold: deque[Line] = deque()
        self.abandoned = False
        """True once somebody else has the task: whatever it still does is told to nobody."""
        self._told = self._sent = _NOTHING

    def __repr__(self) -> str:
        """Without params: they must not enter a log."""
        return f"{self.type_name} {self.started.id} attempt {self.started.attempt}"

    def begin(self, now: float) -> bool:
        """Give it to a thread at `now`, monotonic seconds; false when it has been let go."""
        with self.lock:
            if not self.abandoned:
                self.began_at = now
            return not self.abandoned

    def give_up_waiting(self) -> bool:
        """Let go of it unless a thread has come to it; whether it is let go."""
        with self.lock:
            self.abandoned = self.abandoned or self.began_at is None
            return self.began_at is None

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
        rest = snapshot.told()
        percent = rest.pop("progress")
        text = json.dumps(rest, ensure_ascii=False, separators=(",", ":"))
        return Report(
            self.started,
            self.sequence,
            f"{percent:g}",
            f",{text[1:]}" if rest else "}",
        )

    def lines(self) -> list[Line]:
        """Log lines that are not known to have been told, oldest first."""
        while self.progress.lines:
            self.sequence += 1
            data = TaskLogged(text=self.progress.lines.popleft()).model_dump_json()
            self.untold.append(Line(self.started, self.sequence, data))
        return list(self.untold)

    def told(self) -> None:
        """Note that the last `news` have arrived."""
        self._told = self._sent


def type_of(started: StartedTask) -> str:
    """The task type of a started task; empty where its data cannot be read."""
    try:
        return from_json(started.created).get("task_type", "")
    except (ValueError, AttributeError):
        return ""
