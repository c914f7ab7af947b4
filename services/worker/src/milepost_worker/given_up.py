"""Owns which task types nobody does any more, by the catalogue. Pure; clocks are arguments.

A worker sets tasks aside whose type it does not know: in a rolling deployment another one does.
"""

from collections.abc import Callable, Collection, Mapping

from milepost.errors import LogUnavailable
from milepost.task_types import TaskType

HOPE_SECONDS = 6 * 3600.0
"""Workers announce their types every hour: one that missed so many is not coming back."""
FRESH_SECONDS = 10.0
"""So old may be what is known of the catalogue."""


class GivenUp:
    """Tells which of the types that this worker does not know nobody else knows either."""

    def __init__(
        self,
        announced_since: Callable[[float], Mapping[str, TaskType]],
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        """Read nothing yet.

        Args:
            announced_since: reads the catalogue: types announced after a time, by name.
            clock: seconds since the epoch, as workers announce with.
            monotonic: seconds.
        """
        self._announced_since = announced_since
        self._clock = clock
        self._monotonic = monotonic
        self._known: Collection[str] | None = ()
        self._read_at = float("-inf")

    def __call__(self, types: Collection[str]) -> set[str]:
        """Those of `types` that no worker has announced within the last hours, as far as is known:
        none while the catalogue, which has a primary of its own, cannot be read."""
        if types and self._monotonic() - self._read_at > FRESH_SECONDS:
            self._read_at = self._monotonic()
            try:
                self._known = self._announced_since(self._clock() - HOPE_SECONDS).keys()
            except LogUnavailable:
                self._known = None
        return set() if self._known is None else set(types).difference(self._known)
