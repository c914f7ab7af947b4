"""Owns where a number lies on an axis, and which round numbers are marked there."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

MARKS = 5
"""About so many, where the axis is linear."""
DECADES = 1.5
"""Shorter than this, a logarithmic axis is marked at 1, 2 and 5 too."""


@dataclass(frozen=True, slots=True)
class Axis:
    """From `low` to `high`, laid out from `start` to `end` of the drawing."""

    low: float
    high: float
    start: float
    end: float
    log: bool
    marks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Where it lies; what is beyond an end lies there."""
        low, high, value = (
            (math.log10(self.low), math.log10(self.high), math.log10(max(value, self.low)))
            if self.log
            else (self.low, self.high, value)
        )
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return self.start + share * (self.end - self.start)


def linear(values: Iterable[float], start: float, end: float, *, whole: bool = True) -> Axis:
    """From nought, so that lengths may be compared, to the most; `whole`: to the next mark."""
    most = max((value for value in values if math.isfinite(value)), default=0.0) or 1.0
    power = 10.0 ** math.floor(math.log10(most / MARKS))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each * MARKS >= most)
    count = math.ceil(most / step - 1e-9)
    marks = tuple(n * step for n in range(count + 1))
    if whole or marks[-1] <= most:
        return Axis(0.0, marks[-1], start, end, False, marks)
    return Axis(0.0, most, start, end, False, marks[:-1])


def logarithmic(values: Iterable[float], start: float, end: float, *, whole: bool) -> Axis:
    """From the least to the most; `whole`: to powers of ten."""
    positive = [value for value in values if value > 0 and math.isfinite(value)] or [1.0, 10.0]
    low, high = min(positive), max(positive)
    if whole or low == high:
        low = 10.0 ** math.floor(math.log10(low) + 1e-9)
        high = max(10.0 ** math.ceil(math.log10(high) - 1e-9), low * 10)
    factors = (1, 2, 5) if math.log10(high / low) <= DECADES else (1,)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = (factor * 10.0**exponent for exponent in exponents for factor in factors)
    kept = tuple(mark for mark in marks if low * 0.999 <= mark <= high * 1.001)
    return Axis(low, high, start, end, True, kept)
