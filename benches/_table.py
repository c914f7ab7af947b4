"""Owns how figures are printed: medians with their range, as a Markdown table."""

import platform
import sys
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, measured several times in this run."""

    what: str
    values: list[float]
    ratio: float | None = None
    """Ours to the peer's, both of this run."""


def show(title: str, rows: list[Row]) -> None:
    """Print the table; absolute figures are this machine's, ratios are to be quoted."""
    out = sys.stdout.write
    out(f"\n### {title}: Python {platform.python_version()}, {platform.machine()}\n\n")
    out("| what | median | min .. max | ratio |\n|---|---:|---:|---:|\n")
    for row in rows:
        low, high = min(row.values), max(row.values)
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        out(f"| {row.what} | {median(row.values):,.4g} | {low:,.4g} .. {high:,.4g} | {ratio} |\n")
