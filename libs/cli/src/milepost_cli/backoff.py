"""Owns how long a process that died is left alone before it is started again. Pure."""

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 5.0
HEALTHY_SECONDS = 10.0
"""Whoever lived so long died of something new: its waiting begins anew."""


class Backoff:
    """The waiting times of one process: 0.1 s, doubled at every death, at most 5 s."""

    def __init__(self) -> None:
        self._next = FIRST_SECONDS

    def after(self, lived_seconds: float) -> float:
        """Count a death after `lived_seconds`; the seconds to wait before the next start."""
        if lived_seconds >= HEALTHY_SECONDS:
            self._next = FIRST_SECONDS
        seconds, self._next = self._next, min(self._next * 2, LONGEST_SECONDS)
        return seconds
