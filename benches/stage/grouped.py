"""Owns charts that are made of a table's rows: those whose names have something in common."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from benches.stage.bar_chart import Bar, Bars
from benches.stage.line_chart import Lines
from benches.stage.table import Row

AGAIN = "the same "
"""Begins the rows that compare the figure of the row before: no bar more."""
BESIDE = ", beside "
"""What follows it only names the peer of the ratio."""


@dataclass(frozen=True, slots=True)
class Contenders:
    """A chart of bars: the rows whose whole names match, labelled by the pattern's groups."""

    name: str
    title: str
    unit: str
    pattern: str
    ours: str = "Milepost"
    """What the names of our rows match."""
    more_is_better: bool = False
    log: bool = False

    def of(self, rows: Sequence[Row]) -> Bars | None:
        """The chart; null without rows."""
        bars, label = dict[str, Bar](), ""
        for row in rows:
            if (found := re.fullmatch(self.pattern, row.what)) is None:
                continue
            named = ", ".join(found.groups())
            if not named.startswith(AGAIN):
                label = re.sub(r"\bours\b", "Milepost", named).partition(BESIDE)[0]
                bars.setdefault(label, Bar(label, row.values, bool(re.search(self.ours, row.what))))
            if label:
                bars[label] = replace(bars[label], target=self._harder(bars[label].target, row))
        if not bars:
            return None
        shown = list(bars.values())
        return Bars(self.name, self.title, self.unit, shown, self.more_is_better, self.log)

    def _harder(self, target: float | None, row: Row) -> float | None:
        """The harder of a bar's target and a row's: one figure may have several peers."""
        goals = [goal for goal in (target, _goal(row)) if goal is not None]
        return (max if self.more_is_better else min)(goals) if goals else None


@dataclass(frozen=True, slots=True)
class Growth:
    """A chart of lines: a pattern for each, whose group is the number that grows."""

    name: str
    title: str
    x_label: str
    y_label: str
    patterns: dict[str, str]
    log_y: bool = False

    def of(self, rows: Sequence[Row]) -> Lines | None:
        """The chart; null without rows."""
        series, goals = dict[str, list[tuple[float, float]]](), list[float]()
        for row in rows:
            for name, pattern in self.patterns.items():
                if found := re.fullmatch(pattern, row.what):
                    point = float(found[1].replace(",", "")), median(row.values)
                    series.setdefault(name, []).append(point)
                    goal = None if row.peer else _goal(row)
                    goals += [] if goal is None else [goal]
        if not series:
            return None
        return Lines(
            self.name, self.title, self.x_label, self.y_label, series, log_y=self.log_y,
            target=goals[0] if goals else None,
        )  # fmt: skip


def _goal(row: Row) -> float | None:
    """What a row is to reach, in its own unit."""
    if row.target is None:
        return None
    return row.target.bound * (median(row.peer) if row.peer else 1)
