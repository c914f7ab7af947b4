"""Owns what a test reads of a task that has ended. Pure."""

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import JsonValue

from milepost.events import (
    Event,
    Payload,
    Problem,
    TaskFailed,
    TaskLogged,
    TaskProgressed,
    TaskRetrying,
    TaskStarted,
    TaskSucceeded,
)  # fmt: skip
from milepost.task_state import Status, fold

Kind = TypeVar("Kind", bound=Payload)


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A task's life, from its creation to its end."""

    id: str
    """The task's id."""
    events: tuple[Event, ...]
    """Everything that happened, oldest first, as readers of the log get it."""
    notes: tuple[int, ...]
    """How many notes each attempt made: `crash_at` and its like are counted by them."""
    saved: Any
    """The state saved last, which the task's end has deleted; null when none was."""
    exception: BaseException | None
    """What the last attempt that raised has raised, which its owner never reads; else null."""

    @property
    def types(self) -> list[str]:
        """The types of the events, such as `task.started`."""
        return [event.payload.type for event in self.events]

    @property
    def status(self) -> Status:
        """`succeeded`, `failed` or `cancelled`."""
        state = fold(event.payload for event in self.events)
        assert state is not None
        return state.status

    @property
    def result(self) -> JsonValue:
        """What the function returned, as its owner reads it: as JSON; null unless it succeeded."""
        end = self._last(TaskSucceeded)
        return end.result if end else None

    @property
    def error(self) -> Problem | None:
        """Why it failed, as its owner reads it; null unless it did."""
        end = self._last(TaskFailed)
        return end.error if end else None

    @property
    def attempts(self) -> int:
        """How often it was started."""
        return len(self.all(TaskStarted))

    @property
    def progress(self) -> list[TaskProgressed]:
        """What its owner was told, at every change, over all attempts."""
        return self.all(TaskProgressed)

    @property
    def percents(self) -> list[float]:
        """The percent of each of them, and 100 for success."""
        told = [told.progress for told in self.progress]
        return [*told, 100.0] if self.status == "succeeded" else told

    @property
    def lines(self) -> list[str]:
        """What it wrote with `progress.log`, over all attempts."""
        return [line.text for line in self.all(TaskLogged)]

    @property
    def waits(self) -> list[float]:
        """Seconds from each failed attempt to the next."""
        return [
            (event.payload.runs_at - event.at) / 1000
            for event in self.events
            if isinstance(event.payload, TaskRetrying)
        ]

    def all(self, kind: type[Kind]) -> list[Kind]:
        """The payloads of one kind of event, oldest first."""
        return [event.payload for event in self.events if isinstance(event.payload, kind)]

    def _last(self, kind: type[Kind]) -> Kind | None:
        return next(reversed(self.all(kind)), None)
