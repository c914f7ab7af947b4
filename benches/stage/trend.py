"""Owns how a series moves over time: a fitted line that outliers do not bend. Pure."""

from collections.abc import Sequence
from itertools import combinations
from statistics import median


def rise(at: Sequence[float], values: Sequence[float]) -> float:
    """How much the fitted line rises from the first moment to the last, in the values' unit.

    Theil and Sen: the median of the slopes between all pairs, so that up to a quarter of the
    values may be anything.
    """
    pairs = combinations(zip(at, values, strict=True), 2)
    slopes = [(v2 - v1) / (t2 - t1) for (t1, v1), (t2, v2) in pairs if t2 > t1]
    return median(slopes) * (at[-1] - at[0]) if slopes else 0.0
