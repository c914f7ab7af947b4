"""Owns what the audit trail says of credentials that were refused: bounded, whoever floods us."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from milepost_service import audit

QUIET_SECONDS = 60.0
"""An address is told of once in so long, with how often it came in between."""
_MOST = 1000
_MAX_REASON_CHARS = 200
NOBODY = "nobody"
"""Who did it, where nothing proves who."""


@dataclass(slots=True)
class _Told:
    until: float
    unsaid: int = 0


class RefusedCredentials:
    """Writes a line for the first refusal of an address, and counts those that follow at once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` tells seconds since the epoch."""
        self._clock = clock
        self._told: OrderedDict[str, _Told] = OrderedDict()

    def record(self, address: str, reason: str) -> None:
        """Take note of a refusal; nothing of the credentials themselves is told.

        Args:
            address: where the request came from.
            reason: why, in our own words or the library's.
        """
        now, told = self._clock(), self._told.get(address)
        if told is not None and now < told.until:
            told.unsaid += 1
            return
        unsaid = told.unsaid if told is not None and told.unsaid else None
        self._told[address] = _Told(now + QUIET_SECONDS)
        self._told.move_to_end(address)
        if len(self._told) > _MOST:
            self._told.popitem(last=False)
        said = reason[:_MAX_REASON_CHARS]
        audit.record("credentials.refused", NOBODY, reason=said, address=address, unsaid=unsaid)
