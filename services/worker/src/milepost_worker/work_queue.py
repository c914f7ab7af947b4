"""Owns the queue between dramatiq's consumer thread and its task threads: who is next.

dramatiq's own is a heap behind a condition variable in Python: handing over a task cost more than
running a short one (45 % of a worker's time was spent in `Condition.notify`), and among equals it
has no order at all. The standard library's `SimpleQueue` waits in C. What is missing of the other's
interface is what only dramatiq's test worker uses (`join`).

What came by the express lane goes before what was taken ahead of its thread, by the same rule as in
the log: three of four places, while others wait.
"""

from collections import deque
from queue import SimpleQueue
from typing import Any

EXPRESS_PLACES = 3
"""As in `take.lua`."""


class WorkQueue(SimpleQueue[Any]):
    """What dramatiq's worker and its threads call of a queue."""

    unfinished_tasks = 0
    """Asked for by nobody but `Worker.join`, which tests of dramatiq's call."""

    def __init__(self) -> None:
        """Empty."""
        self._express: deque[Any] = deque()
        self._others: deque[Any] = deque()
        self._passed = 0

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Add one of dramatiq's items; never waits."""
        lane = self._express if item.message.args[0].started.is_express else self._others
        lane.append(item)
        super().put(None)  # as many as there are items in both: each lets one thread have one

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """The next item.

        Raises:
            queue.Empty: there was none within `timeout` seconds.
        """
        super().get(block, timeout)
        while True:
            others_turn = self._passed >= EXPRESS_PLACES
            for lane in (
                (self._others, self._express) if others_turn else (self._express, self._others)
            ):
                try:
                    item = lane.popleft()
                except IndexError:
                    continue  # somebody else was quicker, or there is none
                self._passed = self._passed + 1 if lane is self._express and self._others else 0
                return item

    def get_nowait(self) -> Any:
        """As `get`, at once."""
        return self.get(block=False)

    def task_done(self) -> None:
        """Count nothing: what runs and what has ended, the session knows."""
