"""Owns what a batch of events tells about speed: waits, runs, ages, in the log's own time. Pure.

Looked at before the batch is folded: what came before it is in the rows, what is in it comes along.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from milepost.events import (
    Event,
    Payload,
    TaskCancelled,
    TaskCreated,
    TaskFailed,
    TaskRetrying,
    TaskReturned,
    TaskStarted,
    TaskSucceeded,
)
from milepost.traces import is_sampled
from milepost_notify.archive import Logged, Unread
from milepost_notify.changes import Known
from milepost_notify.rows import TaskKey, TaskRow

_OVER: dict[type[Payload], str] = {
    TaskSucceeded: "succeeded",
    TaskFailed: "failed",
    TaskCancelled: "cancelled",
    TaskRetrying: "retrying",
    TaskReturned: "returned",
}


class Kind(NamedTuple):
    """What tasks are told apart by in figures: never whose they are."""

    queue: str
    type: str


@dataclass(slots=True)
class Measures:
    """What one batch tells; seconds."""

    events: Counter[str] = field(default_factory=Counter[str])
    """By type of event."""
    waits: list[tuple[Kind, float]] = field(default_factory=list[tuple[Kind, float]])
    """From when a task was due until its first attempt began."""
    runs: list[tuple[Kind, str, float]] = field(default_factory=list[tuple[Kind, str, float]])
    """Each attempt that is over: its outcome, and how long it took."""
    traced: list["Traced"] = field(default_factory=list["Traced"])
    """Events of traces whose spans somebody wants."""
    read_ms: int = 0
    """When it was read, by Redis' clock."""
    ages: list[float] = field(default_factory=list[float])
    """How old each event was when it was read."""


class Traced(NamedTuple):
    """An event that belongs to a trace."""

    trace: str
    """Traceparent."""
    event: str
    """Its type."""
    task: str
    at_ms: int
    queue: str
    type: str
    """Of the task."""
    due_ms: int | None
    """Of a first start: since when it had waited for that."""


class _Task:
    """What is known of a task on the way through a batch; times in ms."""

    __slots__ = ("began", "due", "kind")

    def __init__(self, kind: Kind, due: int, began: int | None) -> None:
        self.kind, self.due, self.began = kind, due, began


def measure(known: Known, entries: Iterable[Logged | Unread], now_ms: int) -> Measures:
    """What `entries` tell, oldest first.

    Args:
        known: the rows before them.
        now_ms: of Redis' clock, when they were read.
    """
    found, tasks = Measures(read_ms=now_ms), dict[TaskKey, _Task]()
    events, ages = found.events, found.ages
    for entry in entries:
        if isinstance(entry, Unread):
            continue
        event = entry.event
        payload = event.payload
        kind = type(payload)
        events[payload.type] += 1
        ages.append(max(0, now_ms - event.id.ms) / 1000)
        if kind is TaskStarted or kind in _OVER:
            task = _task(known, tasks, event)
            if task is None:
                continue
            if kind is TaskStarted:
                task.began = event.at
                first = event.attempt == 1
                if first:
                    found.waits.append((task.kind, max(0, event.at - task.due) / 1000))
                if is_sampled(event.trace):
                    found.traced.append(_traced(event, task.kind, task.due if first else None))
            elif task.began is not None:
                took = max(0, event.at - task.began) / 1000
                found.runs.append((task.kind, _OVER[kind], took))
                task.began = None
        elif type(payload) is TaskCreated:
            due = event.at if payload.runs_at is None else payload.runs_at
            of = Kind(payload.queue, payload.task_type)
            tasks[event.owner, event.task] = _Task(of, due, None)
            if is_sampled(event.trace):
                found.traced.append(_traced(event, of, None))
    return found


def _traced(event: Event, of: Kind, due_ms: int | None) -> Traced:
    kind = event.payload.type
    return Traced(event.trace or "", kind, event.task, event.at, of.queue, of.type, due_ms)


def _task(known: Known, tasks: dict[TaskKey, _Task], event: Event) -> _Task | None:
    key = (event.owner, event.task)
    task = tasks.get(key)
    if task is None:
        row = known.tasks.get(key)
        if row is None:
            return None
        task = tasks[key] = _of(row)
    return task


def _of(row: TaskRow) -> _Task:
    due = row["created_at"] if row["runs_at"] is None else row["runs_at"]
    began = row["attempt_started_at"] if row["status"] == "running" else None
    return _Task(Kind(row["queue"], row["type"]), due, began)
