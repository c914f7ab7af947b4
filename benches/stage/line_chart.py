"""Owns the drawing of how something grows: lines with a point for each figure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benches.stage import svg
from benches.stage.axis import Axis, linear, logarithmic
from benches.stage.figure import figure, short

TOP, HEIGHT = 64, 350
DOTS = 16
"""A line of more points is drawn without them."""
LEFT, RIGHT, BOTTOM = 58, 16, 50
APART = 15
"""Pixels between the names of two lines at least."""
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Lines:
    """A chart of lines."""

    name: str
    """Of its file, such as `backlog`."""
    title: str
    x_label: str
    y_label: str
    """With the unit, such as `us a task`."""
    series: Mapping[str, Sequence[Point]]
    """By name, (x, y) in the order of x; six at most, the first in our colour."""
    log_x: bool = True
    log_y: bool = False
    """Else the axis begins at nought: a flat line is flat, and one that doubles doubles."""
    target: float | None = None
    """A level of y, drawn across."""

    @property
    def description(self) -> str:
        """Its figures in words."""
        said = (
            f"{name}: {', '.join(f'{figure(y)} at {short(x)}' for x, y in points)}"
            for name, points in self.series.items()
        )
        return f"{self.title}, {self.y_label} by {self.x_label}. {'; '.join(said)}."

    def drawn(self) -> str:
        """The SVG.

        Raises:
            ValueError: there are more series than colours, or one has no points.
        """
        if not 0 < len(self.series) <= svg.COLOURS or not all(self.series.values()):
            raise ValueError(f"{self.name}: one to {svg.COLOURS} series, each with points")
        return svg.document(self.title, self.description, HEIGHT, self._parts())

    def _parts(self) -> Iterator[str]:
        points = [point for series in self.series.values() for point in series]
        names = max(map(svg.width_of, self.series))
        left, right, bottom = LEFT, svg.WIDTH - RIGHT - names - 12, HEIGHT - BOTTOM
        xs, ys = [x for x, _ in points], [y for _, y in points]
        ys += [self.target] if self.target is not None else []
        along = logarithmic if self.log_x else linear
        across = along(xs, left, right, whole=False)
        up = logarithmic(ys, bottom, TOP, whole=True) if self.log_y else linear(ys, bottom, TOP)
        yield svg.text(12, 22, self.title, "title")
        goal = "; dashed: target" if self.target is not None else ""
        yield svg.text(12, 41, f"{self.y_label}{goal}", "soft")
        yield from self._grid(across, up)
        if self.target is not None:
            level = up.at(self.target)
            yield svg.line(left, level, right, level, "goal")
        ends = [up.at(series[-1][1]) for series in self.series.values()]
        places = _apart(ends, TOP, bottom)
        for number, (name, series) in reversed(list(enumerate(self.series.items()))):
            drawn = [(across.at(x), up.at(y)) for x, y in series]
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in drawn)
            yield f'<path d="M{path}" class="line s{number}"/>'
            dots = zip(drawn, series, strict=True) if len(series) <= DOTS else ()
            for (x, y), (true_x, true_y) in dots:
                tip = f"{name}: {figure(true_y)} at {short(true_x)}"
                yield (
                    f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="dot s{number}">'
                    f"<title>{svg.escape(tip)}</title></circle>"
                )
            yield svg.text(drawn[-1][0] + 12, places[number] + 4, name, f"strong s{number}")

    def _grid(self, across: Axis, up: Axis) -> Iterator[str]:
        left, right, bottom = across.start, across.end, up.start
        for mark in up.marks:
            y = up.at(mark)
            yield svg.line(left, y, right, y, "axis" if mark == up.low else "grid")
            yield svg.text(left - 8, y + 4, short(mark), "soft end")
        for mark in across.marks:
            x = across.at(mark)
            yield svg.line(x, bottom, x, bottom + 5, "axis")
            yield svg.text(x, bottom + 19, short(mark), "soft middle")
        yield svg.text((left + right) / 2, bottom + 39, self.x_label, "soft middle")


def _apart(wanted: Sequence[float], top: float, bottom: float) -> list[float]:
    """The heights nearest to those wanted that leave room for a name each."""
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    places = list(wanted)
    for before, after in pairwise(order):
        places[after] = max(places[after], places[before] + APART)
    lowest = bottom
    for number in reversed(order):
        places[number] = min(places[number], lowest)
        lowest = places[number] - APART
    return places
