"""Owns what something costs as something else grows: by size, as rows and as a chart."""

from collections.abc import Iterator
from statistics import median

from benches.stage.line_chart import Lines
from benches.stage.table import Row, Target


class Curves:
    """Several costs over the same sizes."""

    def __init__(self, name: str, title: str, x_label: str, unit: str) -> None:
        self._about = (name, title, x_label, unit)
        self._of: dict[str, dict[int, list[float]]] = {}

    def add(self, cost: str, size: int, *values: float) -> None:
        """Take in measurements."""
        self._of.setdefault(cost, {}).setdefault(size, []).extend(values)

    def rows(self, flat: Target | None = None) -> Iterator[Row]:
        """A row a figure; with `flat` the largest size beside the smallest, as a ratio."""
        *_, x_label, unit = self._about
        for cost, by_size in self._of.items():
            first, last = min(by_size), max(by_size)
            for size, values in by_size.items():
                beside = flat if size == last != first else None
                peer = by_size[first] if beside else ()
                yield Row(f"{cost}, {size:,} {x_label}: {unit}", values, peer, beside)

    def chart(self) -> Lines:
        """Medians, on a logarithmic scale of sizes."""
        name, title, x_label, unit = self._about
        series = {
            cost: [(float(size), median(values)) for size, values in by_size.items()]
            for cost, by_size in self._of.items()
        }
        return Lines(name, title, x_label, unit, series)
