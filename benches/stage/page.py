"""Owns what is published: docs/benchmarks.md, and beside it each benchmark's figures and charts.

The figures (docs/benchmarks/NAME.json) are the source; tables and charts are drawn from them.
"""

from pathlib import Path

from benches.stage.bar_chart import Bars
from benches.stage.gallery import gallery
from benches.stage.line_chart import Lines
from benches.stage.table import Result

DOCS = Path(__file__).resolve().parents[2] / "docs"


class Page:
    """The page and its folder, in a checkout's docs unless told otherwise."""

    def __init__(self, docs: Path = DOCS) -> None:
        self.file, self.folder = docs / "benchmarks.md", docs / "benchmarks"

    def published(self) -> dict[str, Result]:
        """All figures there are, by benchmark."""
        return {file.stem: Result.read(file) for file in sorted(self.folder.glob("*.json"))}

    def keep(self, name: str, result: Result) -> None:
        """Publish a benchmark's figures, and draw them.

        Raises:
            LookupError: the page has no place for this benchmark.
        """
        section(self.file.read_text(), name)
        self.folder.mkdir(exist_ok=True)
        result.keep(self.folder / f"{name}.json")
        # As kept: what is drawn now is what is drawn from it later.
        self.draw(name, Result.read(self.folder / f"{name}.json"))

    def draw(self, name: str, result: Result) -> None:
        """Put the table into the page and the charts beside it, those alone."""
        before, _, after = section(self.file.read_text(), name)
        self.file.write_text(before + written(name, result) + after)
        drawn = {f"{name}-{chart.name}.svg": chart.drawn() for chart in charts(name, result)}
        for file in set(self.folder.glob(f"{name}-*.svg")) - {self.folder / each for each in drawn}:
            file.unlink()
        for file, svg in drawn.items():
            (self.folder / file).write_text(svg)


def section(page: str, name: str) -> tuple[str, str, str]:
    """The page up to the mark of a benchmark, what is between its marks, and the rest.

    Raises:
        LookupError: there are no such marks.
    """
    first, last = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    before, begun, rest = page.partition(first)
    between, ended, after = rest.partition(last)
    if not (begun and ended):
        raise LookupError(f"benchmarks.md has no place for {name}")
    return before + first, between, last + after


def written(name: str, result: Result) -> str:
    """What is between the marks: the table, and its charts."""
    images = "".join(
        f"![{chart.title}](benchmarks/{name}-{chart.name}.svg)\n\n"
        for chart in charts(name, result)
    )
    return f"\n{result}\n{images}"


def charts(name: str, result: Result) -> list[Bars | Lines]:
    """Those that its rows make, then those it brought."""
    return [*gallery(name, result.rows), *result.charts]
