"""Owns which primaries do not answer, and how long each is left alone. Asks nobody.

A primary that is away keeps its own partitions waiting and no others.
"""

import logging
import time

from milepost.errors import LogUnavailable
from milepost_log.work import WorkLog
from milepost_worker.held import Holdings

logger = logging.getLogger(__name__)

FIRST_BACKOFF_SECONDS = 0.05
MAX_BACKOFF_SECONDS = 1.0
MAX_PAUSE_SECONDS = 3.0


class Outages:
    """What of the log is away, as the session's thread has found out."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._backoffs: dict[str, float] = {}
        """By primary, seconds."""
        self.some = False
        """Whether any partition is to be compared with the log before it is used again."""

    def begin(self, log: WorkLog, err: LogUnavailable, began: float) -> set[int]:
        """Leave the primary that did not answer the last call alone for a while; its partitions.

        Args:
            began: when the turn began whose call failed, monotonic seconds.
        """
        primary = log.primary(log.asked)
        if primary not in self._backoffs:
            fields = {"reason": str(err), "primary": primary}
            logger.warning("the log is away, trying again", extra=fields)
        self.some = True
        now = time.monotonic()
        backoff = max(FIRST_BACKOFF_SECONDS, self._backoffs.get(primary, 0.0) * 2)
        self._backoffs[primary] = backoff = min(MAX_BACKOFF_SECONDS, backoff)
        # Who waits long for its answer keeps others waiting: it is asked the less often.
        pause = max(backoff, min(2 * (now - began), MAX_PAUSE_SECONDS))
        away = {each for each in self._holdings if log.primary(each) == primary}
        for number in away:
            held = self._holdings[number]
            held.lost, held.away_until = True, now + pause
            held.drains = False  # what has to run alone there stands before nobody meanwhile
        return away

    def have_ended(self, log: WorkLog, now: float, longest: float) -> float:
        """Forget the primaries that are back; seconds until the next is asked again, or `longest`
        when none is away."""
        away = {log.primary(n): held for n, held in self._holdings.items() if held.lost}
        for primary in self._backoffs.keys() - away.keys():
            del self._backoffs[primary]
            logger.info("the log is back", extra={"primary": primary})
        self.some = bool(away)
        return min((held.away_until - now for held in away.values()), default=longest)
