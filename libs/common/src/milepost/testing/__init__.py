"""Owns unit tests of a user's own tasks: runs them as a worker would, without Redis or waiting.

    from milepost.testing import run

    done = run(resize, urls=["a", "b", "c"], crash_at=3)
    assert done.status == "succeeded"

It needs no test framework, and nothing of it belongs into production.
"""

from milepost.testing.finished_run import FinishedRun
from milepost.testing.journal import Clock
from milepost.testing.kept_task import Started
from milepost.testing.memory_log import MemoryLog
from milepost.testing.runner import run

__all__ = ["Clock", "FinishedRun", "MemoryLog", "Started", "run"]
