"""Owns which task types nobody does any more, by what workers offer. Pure; clocks are arguments.

A worker sets tasks aside whose type it does not know: in a rolling deployment another one does.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from math import inf

from milepost.errors import LogUnavailable

HOPE_SECONDS = 6 * 3600
"""Live workers offer their types all the time: one away for so long is not coming back."""
FRESH_SECONDS = 10.0
"""So old may be what is known of a type's offers."""


class GivenUp:
    """Tells which of the types that this worker does not know nobody else knows either."""

    def __init__(
        self,
        offered: Callable[[Collection[str]], Collection[str]],
        *,
        monotonic: Callable[[], float],
    ) -> None:
        """Read nothing yet.

        Args:
            offered: which of some types have been offered within `HOPE_SECONDS`, by Redis' clock:
                this machine's own may have jumped.
            monotonic: seconds.
        """
        self._offered = offered
        self._monotonic = monotonic
        self._gone: set[str] = set()
        self._read_at: dict[str, float] = {}

    def __call__(self, types: Collection[str]) -> set[str]:
        """Those of `types` that no worker has offered within the last hours, as far as is known:
        none while the offers, which have a primary of their own, cannot be read."""
        now = self._monotonic()
        stale = {name for name in types if now - self._read_at.get(name, -inf) > FRESH_SECONDS}
        if stale:
            self._read_at.update(dict.fromkeys(stale, now))
            self._gone -= stale
            with suppress(LogUnavailable):
                self._gone |= stale.difference(self._offered(stale))
        return self._gone.intersection(types)
