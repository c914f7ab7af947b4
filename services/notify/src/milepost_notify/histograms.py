"""Owns a histogram: how many values fell below which bound. Pure; not to be shared by threads."""

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Counts by upper bound, the last one without, and the sum: as Prometheus has them."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """Start empty; bounds rise."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """Each bound as text with how many values are not above it."""
        found: list[tuple[str, float]] = []
        below = 0
        for bound, count in zip([*map(str, self._bounds), "+Inf"], self._counts, strict=True):
            below += count
            found.append((bound, below))
        return found
