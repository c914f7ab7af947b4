"""Owns how figures are kept and printed: medians with their range, ratio and target, as a table."""

import json
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from pydantic import TypeAdapter

from benches.stage.bar_chart import Bars
from benches.stage.figure import figure
from benches.stage.line_chart import Lines

KEEP_IN = "BENCH_RESULT"
"""The variable that names the file for `./milepost bench`, which keeps what was measured."""


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
        return median(self.values) / median(self.peer) if any(self.peer) else None

    def __str__(self) -> str:
        cells = [self.what, figure(median(self.values)), "", "", "", ""]
        if len(self.values) > 1:
            cells[2] = f"{figure(min(self.values))} .. {figure(max(self.values))}"
        if self.ratio is not None:
            cells[3] = f"{self.ratio:.2f}" if self.ratio >= 0.1 else figure(self.ratio)
        if self.target is not None:
            met = self.target.met_by(self.ratio if self.ratio is not None else median(self.values))
            cells[4], cells[5] = str(self.target), "yes" if met else "**no**"
        return f"| {' | '.join(cells)} |"


@dataclass(frozen=True, slots=True)
class Result:
    """All of a run; absolute figures are its machine's, ratios are to be quoted."""

    rows: Sequence[Row]
    versions: str
    charts: Sequence[Bars | Lines] = ()

    @classmethod
    def read(cls, file: Path) -> "Result":
        """One that was kept."""
        return TypeAdapter(cls).validate_json(file.read_bytes())

    def keep(self, file: Path) -> None:
        """Write it as JSON, numbers to six digits."""
        full = TypeAdapter(Result).dump_json(self, exclude_defaults=True)
        plain = json.loads(full, parse_float=_six_digits)
        file.write_text(json.dumps(plain, indent=1) + "\n")

    def __str__(self) -> str:
        head = (
            "| what | median | min .. max | ratio | target | met |\n|---|---:|---:|---:|---:|---|\n"
        )
        rows = "".join(f"{row}\n" for row in self.rows)
        return f"{head}{rows}\n{self.versions}\n"


def percentile(values: Sequence[float], percent: int) -> float:
    """Of a sample; the largest of a small one's upper end."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def show(rows: Iterable[Row], *versions: str, charts: Iterable[Bars | Lines] = ()) -> None:
    """Print the table; `./milepost bench --write` keeps it, and draws the charts below it."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}"
    said = ", ".join((f"Python {platform.python_version()}", *versions, machine))
    result = Result(tuple(rows), f"{said}.", tuple(charts))
    sys.stdout.write(str(result))
    sys.stdout.flush()
    if file := os.environ.get(KEEP_IN):
        result.keep(Path(file))


def _six_digits(number: str) -> float:
    return float(f"{float(number):.6g}")
