"""Owns how figures are printed: medians with their range, ratio and target, as a Markdown table."""

import math
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class Target:
    """What a row is to reach: its ratio where it has a peer, else its median."""

    bound: float
    at_least: bool

    def met_by(self, figure: float) -> bool:
        """Whether it is reached."""
        return figure >= self.bound if self.at_least else figure <= self.bound

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:,g}"


def at_least(bound: float) -> Target:
    """More is better."""
    return Target(bound, at_least=True)


def at_most(bound: float) -> Target:
    """Less is better."""
    return Target(bound, at_least=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, measured several times in this run."""

    what: str
    values: Sequence[float]
    peer: Sequence[float] = ()
    """The same of what it is compared with, measured in turn with it."""
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        """Ours to the peer's, medians of this run."""
        return median(self.values) / median(self.peer) if self.peer else None

    def __str__(self) -> str:
        cells = [self.what, _figure(median(self.values)), "", "", "", ""]
        if len(self.values) > 1:
            cells[2] = f"{_figure(min(self.values))} .. {_figure(max(self.values))}"
        if self.ratio is not None:
            cells[3] = f"{self.ratio:.2f}"
        if self.target is not None:
            met = self.target.met_by(self.ratio if self.ratio is not None else median(self.values))
            cells[4], cells[5] = str(self.target), "yes" if met else "**no**"
        return f"| {' | '.join(cells)} |"


def percentile(values: Sequence[float], percent: int) -> float:
    """Of a sample; the largest of a small one's upper end."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def show(rows: Iterable[Row], *versions: str) -> None:
    """Print the table; absolute figures are this machine's, ratios are to be quoted."""
    out = sys.stdout.write
    out("| what | median | min .. max | ratio | target | met |\n|---|---:|---:|---:|---:|---|\n")
    out("".join(f"{row}\n" for row in rows))
    machine = f"{os.cpu_count()} cores, {platform.machine()}"
    out(f"\n{', '.join((f'Python {platform.python_version()}', *versions, machine))}.\n")
    sys.stdout.flush()


def _figure(value: float) -> str:
    """Three digits, or all of those before the point."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"
