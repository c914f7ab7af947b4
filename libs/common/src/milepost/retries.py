"""Owns when a failed attempt is tried again. Pure; chance is an argument.

Exponential back-off with full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS
Architecture Blog, 2015): anywhere between nothing and the cap, so that many tasks that failed
together do not come back together.
"""

from collections.abc import Callable

FIRST_SECONDS = 2.0
LONGEST_SECONDS = 600.0


def delay_seconds(failures: int, chance: Callable[[], float]) -> float:
    """Seconds until the next attempt after `failures` (1 and up) failed ones.

    Args:
        chance: gives a number from 0 up to 1, each equally likely.
    """
    longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(failures - 1, 30))
    return chance() * longest
