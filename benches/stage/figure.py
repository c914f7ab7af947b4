"""Owns how a number is written: in full in tables, short on the axes of charts."""

import math


def figure(value: float) -> str:
    """Three digits, or all of those before the point."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def short(value: float) -> str:
    """Such as 2.5k, 10M or 0.001: for round numbers."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.4g}{name}"
    return f"{value:.4g}"
