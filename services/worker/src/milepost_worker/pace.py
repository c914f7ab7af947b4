"""Owns how many started tasks may stand ready behind busy threads. Pure; time is an argument.

A round trip to the log costs more than a task that does next to nothing. Where tasks are that
short, some more are taken than there are threads, so that threads and log work at the same time.
"""

WAIT_SECONDS = 0.01
"""So long, about, may a started task wait for its thread; slower tasks are not taken ahead."""
MOST = 31
"""For each thread, at most so many wait."""
LATE_SECONDS = 0.1
"""A task that has waited so long is given back: the threads do something long after all."""
_WEIGHT = 0.1


class Pace:
    """How fast one worker process gets through its tasks."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._seconds = float("inf")

    @property
    def places(self) -> int:
        """How many tasks it may hold: from one to 1 + MOST for each thread."""
        ahead = MOST if self._seconds * MOST <= WAIT_SECONDS else int(WAIT_SECONDS / self._seconds)
        return self._threads * (1 + ahead)

    def ran(self, seconds: float) -> None:
        """Note how long a task ran; a long one counts at once, short ones one by one."""
        if seconds > WAIT_SECONDS or self._seconds == float("inf"):
            self._seconds = seconds
        else:
            self._seconds += _WEIGHT * (seconds - self._seconds)

    def was_late(self) -> None:
        """Take nothing ahead until tasks have been short for a while."""
        self._seconds = 1.0
