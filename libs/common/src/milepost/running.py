"""Owns `current()`: which task the code below is running for. Set by the worker alone."""

from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count

from milepost.progress import Progress


@dataclass(frozen=True, slots=True)
class RunningTask:
    """The attempt this code is part of."""

    id: str
    type: str
    owner: str
    attempt: int
    """1 for the first."""
    progress: Progress
    trace: str = ""
    """W3C traceparent of the request that made it; empty for none."""
    children: Iterator[int] = field(default_factory=count)
    """Ordinals of the tasks it submits, from 0 in every attempt."""


running: ContextVar[RunningTask | None] = ContextVar("milepost_running", default=None)


def current() -> RunningTask:
    """Return the running task, anywhere below the task function.

    Raises:
        LookupError: no task runs here.
    """
    task = running.get()
    if task is None:
        raise LookupError("no Milepost task is running here")
    return task
