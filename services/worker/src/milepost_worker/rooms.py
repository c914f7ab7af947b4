"""Owns how many more tasks this process takes, and of which types. Talks to nobody.

The session's thread counts what it hands out, task threads what has ended.
"""

import threading
from collections import Counter
from collections.abc import Collection, Mapping

from milepost_worker.jobs import Job
from milepost_worker.pace import Pace

MOST_AT_ONCE = 64
"""Tasks that one call takes at most: the server serves nobody else meanwhile (some 4 ms). Twice as
many gain nothing, half as many cost a sixth of what can be done."""


class Rooms:
    """The places of one process."""

    def __init__(self, threads: int, max_running: Mapping[str, int]) -> None:
        """All are free.

        Args:
            threads: how many tasks may run at once.
            max_running: task type -> how many of it at most.
        """
        self._threads = threads
        self._pace = Pace(threads)
        self._max_running = max_running
        self._running = Counter[str]()
        self._suspects = 0
        self._freed: set[str] = set()
        self._lock = threading.Lock()

    def begin(self, job: Job) -> None:
        """Count a job that a thread shall run."""
        with self._lock:
            self._running[job.type_name] += 1
            self._suspects += job.started.is_suspect

    def end(self, job: Job, now: float) -> None:
        """Count its thread as free at `now`, monotonic seconds; from any thread."""
        with self._lock:
            if job.began_at is not None:
                self._pace.ran(now - job.began_at)
            self._running[job.type_name] -= 1
            self._suspects -= job.started.is_suspect
            if job.type_name in self._max_running:
                self._freed.add(job.type_name)

    @property
    def free(self) -> int:
        """How many more tasks it takes, short ones ahead of threads; none beside a suspect."""
        with self._lock:
            return 0 if self._suspects else self._pace.places - self._running.total()

    def part(self, free: int, left: int) -> int:
        """How many of `free` places one of `left` partitions may fill: its share, but no fewer than
        there are threads. A call costs much the same for one task as for eight, and who is left out
        now comes first the next time. At most MOST_AT_ONCE: who has more is asked again at once."""
        return min(free, max(-(-free // left), self._threads), MOST_AT_ONCE)

    def is_full(self, waiting: Collection[Job]) -> bool:
        """Whether every thread has something else to do than what is `waiting`."""
        with self._lock:
            return self._running.total() - len(waiting) >= self._threads

    def was_late(self) -> None:
        """Take nothing ahead for a while."""
        with self._lock:
            self._pace.was_late()

    @property
    def is_empty(self) -> bool:
        """Whether no thread runs a task."""
        with self._lock:
            return not self._running.total()

    def by_type(self) -> dict[str, int]:
        """How many more it takes of each type that has a limit."""
        with self._lock:
            return {
                kind: max(0, most - self._running[kind]) for kind, most in self._max_running.items()
            }

    def freed(self) -> set[str]:
        """Types with a limit of which a task has ended since this was last asked."""
        with self._lock:
            freed = self._freed.copy()
            self._freed.clear()
            return freed
