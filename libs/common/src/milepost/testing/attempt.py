"""Owns one attempt of a test's task: tells the log of each note, lets the plan come true. Pure."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic_core import from_json

from milepost.endings import Ending
from milepost.events import TaskLogged, TaskProgressed
from milepost.progress import Snapshot
from milepost.testing.kept_task import Started
from milepost.testing.memory_log import MemoryLog
from milepost.testing.observed import ObservedProgress
from milepost.testing.plan import Faults, TimeLimitExceeded, WorkerDied


class Attempt:
    """One started attempt."""

    def __init__(
        self, log: MemoryLog, started: Started, faults: Faults, *, max_log_lines: int
    ) -> None:
        self.started = started
        self.faults = faults
        self.progress = ObservedProgress(started.saved, self._keep, self)
        self.notes = 0
        """How many it has made."""
        self.lost: Literal["worker_lost", "shutdown"] | None = None
        """How its worker ended; null while that lives."""
        self.interrupt: Callable[[], Any] = lambda: None
        """Cancels its coroutine, while one runs."""
        self.kept: bytes = b""
        """What it has saved."""
        self._log = log
        self._max_log_lines = max_log_lines
        self._sequence = 0
        self._told = Snapshot(None, None, None, None, None)

    @property
    def state(self) -> Any:
        """The state it has saved last; null when it saved none."""
        return from_json(self.kept)["state"] if self.kept else None

    def before(self) -> None:
        """Let happen what shall happen before the next note.

        Raises:
            WorkerDied: its worker is gone; so is everything that the dead code does still.
            TimeLimitExceeded: its time is over.
        """
        if self.lost is None:
            self.notes += 1
            if self.notes == self.faults.crash_at:
                self.lost = "worker_lost"
            elif self.notes == self.faults.shut_down_at:
                self.lost = "shutdown"
        if self.lost is not None:
            raise WorkerDied
        if self.notes == self.faults.time_out_at:
            raise TimeLimitExceeded

    def noted(self) -> None:
        """Tell what has changed; then the owner may ask to stop."""
        self.look()
        if self.notes == self.faults.cancel_at:
            self._log.cancel(self.started.owner, self.started.id)
            self.progress.cancel()
            self.interrupt()

    def look(self) -> None:
        """Tell what has changed, log lines first, as the worker's flusher does."""
        if self.lost is not None:
            return
        while self.progress.lines:
            line = TaskLogged(text=self.progress.lines.popleft())
            self._log.log(self.started, self._next(), line, most=self._max_log_lines)
        snapshot = self.progress.snapshot()
        if snapshot != self._told:
            self._told = snapshot
            told = TaskProgressed.model_validate(snapshot.told())
            self._log.report(self.started, self._next(), told)

    def end(self, ending: Ending) -> None:
        """Tell the log of the attempt's end, what it noted last before that."""
        self.look()
        self._log.finish(self.started, ending.payload, ending.delay_ms)

    def _keep(self, state: bytes) -> None:
        self.kept = state
        self._log.save(self.started, self._next(), state)

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence
