"""Owns `current()`: which task the code below is running for. Set by the worker alone."""

from contextvars import ContextVar
from dataclasses import dataclass

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
