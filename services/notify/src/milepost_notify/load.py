"""Owns how busy this process is, for telling clients when to come again. Slows nobody itself."""

from collections.abc import Callable

SAMPLE_SECONDS = 1.0
MOST_BUSY = 0.95


class Load:
    """The share of one core that the process used over the last second or more."""

    def __init__(self, cpu_seconds: Callable[[], float], monotonic: Callable[[], float]) -> None:
        """Look at nothing yet.

        Args:
            cpu_seconds: used by this process so far.
            monotonic: seconds of a clock that never steps.
        """
        self._cpu_seconds, self._monotonic = cpu_seconds, monotonic
        self._used, self._at = cpu_seconds(), monotonic()
        self._busy = 0.0

    def stretch(self) -> float:
        """By how much to lengthen a delay, 1..20: the wait in a queue grows as 1 / (1 - busy)."""
        now = self._monotonic()
        if now - self._at >= SAMPLE_SECONDS:
            used = self._cpu_seconds()
            self._busy = min(MOST_BUSY, max(0.0, (used - self._used) / (now - self._at)))
            self._used, self._at = used, now
        return 1 / (1 - self._busy)
