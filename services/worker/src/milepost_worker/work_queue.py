"""Owns the queue between dramatiq's consumer thread and its task threads. Decides no order.

dramatiq's own is a heap behind a condition variable in Python: handing over a task cost more than
running a short one (45 % of a worker's time was spent in `Condition.notify`), and among equals it
has no order at all. The standard library's `SimpleQueue` is first in, first out, and in C. What is
missing of the other's interface is what only dramatiq's test worker uses (`join`).
"""

from queue import SimpleQueue
from typing import Any


class WorkQueue(SimpleQueue[Any]):
    """What dramatiq's worker and its threads call of a queue."""

    unfinished_tasks = 0
    """Asked for by nobody but `Worker.join`, which tests of dramatiq's call."""

    def task_done(self) -> None:
        """Count nothing: what runs and what has ended, the session knows."""
