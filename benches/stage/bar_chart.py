"""Owns the drawing of contenders side by side: bars with the range of rounds, and targets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benches.stage import svg
from benches.stage.axis import linear, logarithmic
from benches.stage.figure import figure, short

TOP, LANE, BAR = 62, 28, 16
LEFT, RIGHT, BOTTOM = 12, 74, 30


@dataclass(frozen=True, slots=True)
class Bar:
    """One contender."""

    label: str
    values: Sequence[float]
    """Of each round: drawn are their median and range."""
    ours: bool = False
    target: float | None = None
    """What it is to reach, in the chart's unit."""


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of bars."""

    name: str
    """Of its file, such as `drained`."""
    title: str
    unit: str
    """Of all values, such as `tasks/s`."""
    bars: Sequence[Bar]
    more_is_better: bool = True
    log: bool = False
    """For values many powers of ten apart: bars then begin at the power below the least."""

    @property
    def description(self) -> str:
        """Its figures in words."""
        said = (f"{bar.label} {figure(median(bar.values))}" for bar in self.bars)
        return f"{self.title}, {self.unit}: {'; '.join(said)}."

    def drawn(self) -> str:
        """The SVG."""
        height = TOP + LANE * len(self.bars) + BOTTOM
        return svg.document(self.title, self.description, height, self._parts())

    def _parts(self) -> Iterator[str]:
        left = LEFT + max(svg.width_of(bar.label) for bar in self.bars) + 10
        right, bottom = svg.WIDTH - RIGHT, TOP + LANE * len(self.bars)
        reach = [value for bar in self.bars for value in bar.values]
        reach += [bar.target for bar in self.bars if bar.target is not None]
        if self.log:
            axis = logarithmic(reach, left, right, whole=True)
        else:
            axis = linear(reach, left, right, whole=False)
        better = "more" if self.more_is_better else "less"
        yield svg.text(LEFT, 22, self.title, "title")
        yield svg.text(LEFT, 41, f"{self.unit}; {better} is better{self._legend()}", "soft")
        for mark in axis.marks:
            x = axis.at(mark)
            yield svg.line(x, TOP - 4, x, bottom, "axis" if mark == axis.low else "grid")
            yield svg.text(x, bottom + 16, short(mark), "soft middle")
        for number, bar in enumerate(self.bars):
            top, middle = TOP + LANE * number + (LANE - BAR) / 2, TOP + LANE * (number + 0.5)
            length = axis.at(median(bar.values)) - left
            yield svg.text(left - 10, middle + 4, bar.label, "end strong" if bar.ours else "end")
            yield svg.box(left, top, max(length, 1.0), BAR, "ours" if bar.ours else "peer")
            least, most = axis.at(min(bar.values)), axis.at(max(bar.values))
            if most - least > 1:
                yield svg.line(least, middle, most, middle, "range")
                for end in (least, most):
                    yield svg.line(end, middle - 4, end, middle + 4, "range")
            last = max(most, left + length)
            if bar.target is not None:
                goal = axis.at(bar.target)
                for names in ("under", "goal"):
                    yield svg.line(goal, top - 5, goal, top + BAR + 5, names)
                last = goal if 0 <= goal - last < 60 else last
            said = figure(median(bar.values))
            yield svg.text(last + 7, middle + 4, said, "strong" if bar.ours else "")

    def _legend(self) -> str:
        ranges = "; thin line: range of the rounds" * any(len(bar.values) > 1 for bar in self.bars)
        return ranges + "; dashed: target" * any(bar.target is not None for bar in self.bars)
