"""What is published is drawn from the figures kept beside the page, and from nothing else."""

from pathlib import Path

import pytest

from benches.stage.line_chart import Lines
from benches.stage.page import DOCS, Page, charts, section, written
from benches.stage.table import Result, Row, at_least

CHART = Lines("growth", "Growth", "tasks", "us", {"create": [(1, 2.5), (10, 2.75)]})
ROW = Row("tasks/s: Milepost", [1.5, 2, 7123.456789], [1], at_least(1))
RESULT = Result([ROW], "Python 3.", [CHART])


@pytest.fixture
def page(tmp_path: Path) -> Page:
    """Give one with a place for one benchmark."""
    (tmp_path / "benchmarks.md").write_text("# B\n\n<!-- queue -->\n<!-- /queue -->\n\nMissed.\n")
    return Page(tmp_path)


def test_figures_are_published_as_a_table_with_charts_below(page: Page) -> None:
    page.keep("queue", RESULT)
    assert page.file.read_text() == (
        "# B\n\n<!-- queue -->\n\n| what | median | min .. max | ratio | target | met |\n"
        "|---|---:|---:|---:|---:|---|\n"
        "| tasks/s: Milepost | 2.00 | 1.50 .. 7,123 | 2.00 | >= 1 | yes |\n\nPython 3.\n\n"
        "![Growth](benchmarks/queue-growth.svg)\n\n<!-- /queue -->\n\nMissed.\n"
    )
    assert (page.folder / "queue-growth.svg").read_text() == CHART.drawn()


def test_figures_kept_are_those_measured_to_six_digits(page: Page) -> None:
    page.keep("queue", RESULT)
    (found,) = page.published().values()
    assert found.rows[0].values == [1.5, 2, 7123.46]
    assert found.rows[0].target == at_least(1)
    assert found.charts[0].drawn() == CHART.drawn()


def test_a_chart_that_is_no_longer_made_is_removed_and_others_stay(page: Page) -> None:
    page.keep("queue", RESULT)
    assert (page.folder / "queue-growth.svg").is_file()
    (page.folder / "queues-growth.svg").write_text("another's")
    page.keep("queue", Result([ROW], "Python 3."))
    assert [file.name for file in page.folder.glob("*.svg")] == ["queues-growth.svg"]
    assert "queue-growth.svg" not in page.file.read_text()


def test_figures_without_a_place_on_the_page_are_refused(page: Page) -> None:
    with pytest.raises(LookupError, match="no place for poll"):
        page.keep("poll", RESULT)
    assert page.published() == {}


def test_the_page_and_its_charts_are_those_of_the_figures() -> None:
    page = Page()
    for name, result in page.published().items():
        assert section(page.file.read_text(), name)[1] == written(name, result)
        drawn = {f"{name}-{chart.name}.svg": chart.drawn() for chart in charts(name, result)}
        assert {file.name for file in page.folder.glob(f"{name}-*.svg")} == set(drawn)
        assert {file: (DOCS / "benchmarks" / file).read_text() for file in drawn} == drawn
