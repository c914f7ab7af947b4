"""Charts say what was measured, in words too, and are the same each time they are drawn."""

import re
from xml.etree import ElementTree

import pytest

from benches.stage.axis import linear, logarithmic
from benches.stage.bar_chart import Bar, Bars
from benches.stage.grouped import Contenders, Growth
from benches.stage.line_chart import APART, Lines
from benches.stage.page import Page, charts
from benches.stage.table import Row, at_least, at_most

SVG = "{http://www.w3.org/2000/svg}"
BARS = Bars(
    "drained",
    "Drained by <2> processes",
    "tasks/s",
    [Bar("Milepost", [6000, 7000, 8000], ours=True, target=9000), Bar("RQ & co.", [3500])],
)
LINES = Lines(
    "backlog",
    "Cost by backlog",
    "tasks waiting",
    "us a task",
    {"create": [(1_000, 50), (1_000_000, 51)], "take": [(1_000, 49), (1_000_000, 50.5)]},
)


def drawn(chart: Bars | Lines) -> ElementTree.Element:
    svg = chart.drawn()
    assert svg == chart.drawn()
    return ElementTree.fromstring(svg)


def attribute(element: ElementTree.Element, name: str) -> float:
    return float(element.attrib[name])


@pytest.mark.parametrize(
    ("chart", "said"),
    [
        (BARS, "Drained by <2> processes, tasks/s: Milepost 7,000; RQ & co. 3,500."),
        (LINES, "Cost by backlog, us a task by tasks waiting. create: 50.0 at 1k, 51.0 at 1M; "
                "take: 49.0 at 1k, 50.5 at 1M."),
    ],
)  # fmt: skip
def test_a_chart_says_its_figures_to_who_cannot_see_it(chart: Bars | Lines, said: str) -> None:
    root = drawn(chart)
    assert root.attrib["role"] == "img"
    assert root.findtext(f"{SVG}title") == chart.title
    assert root.findtext(f"{SVG}desc") == said


@pytest.mark.parametrize("chart", [BARS, LINES])
def test_a_chart_loads_nothing_and_follows_the_readers_theme(chart: Bars | Lines) -> None:
    svg = chart.drawn()
    assert "prefers-color-scheme: dark" in svg
    assert not re.search(r"<script|<image|@import|url\(|href", svg)
    assert re.findall(r"https?://\S+", svg) == ['http://www.w3.org/2000/svg"']


def test_bars_are_as_long_as_their_medians_and_ours_stands_out() -> None:
    ours, peer = drawn(BARS).findall(f"{SVG}rect")
    assert (ours.attrib["class"], peer.attrib["class"]) == ("ours", "peer")
    assert attribute(ours, "width") == pytest.approx(2 * attribute(peer, "width"), abs=0.2)
    assert BARS.drawn().count('class="goal"') == 1
    assert BARS.drawn().count('class="range"') == 3, "a line and its ends, for several rounds alone"


def test_names_of_lines_that_end_together_do_not_cover_each_other() -> None:
    names = [each for each in drawn(LINES).iter(f"{SVG}text") if "strong" in each.get("class", "")]
    first, second = sorted(attribute(name, "y") for name in names)
    assert second - first >= APART


def test_more_lines_than_colours_are_refused() -> None:
    crowd = {f"line {number}": [(1.0, 1.0)] for number in range(7)}
    with pytest.raises(ValueError, match="one to 6 series"):
        Lines("crowd", "Crowd", "x", "y", crowd).drawn()


@pytest.mark.parametrize(
    ("most", "marks"),
    [
        (7208, (0, 2000, 4000, 6000, 8000)),
        (40, (0, 10, 20, 30, 40)),
        (1, (0, 0.2, 0.4, 0.6, 0.8, 1))
    ],
)  # fmt: skip
def test_a_linear_axis_begins_at_nought_and_has_round_marks(
    most: float, marks: tuple[float, ...]
) -> None:
    axis = linear([most], 100, 200)
    assert axis.marks == pytest.approx(marks)
    assert axis.at(0) == 100
    assert axis.at(marks[-1]) == pytest.approx(200)


def test_a_logarithmic_axis_gives_each_power_of_ten_the_same_room() -> None:
    axis = logarithmic([1_000, 1_000_000], 0, 300, whole=False)
    assert axis.marks == pytest.approx((1_000, 10_000, 100_000, 1_000_000))
    assert [axis.at(mark) for mark in axis.marks] == pytest.approx([0, 100, 200, 300])
    assert axis.at(0) == 0, "what it cannot show lies at its end"


def test_rows_whose_names_match_make_a_chart_with_the_hardest_target_of_each() -> None:
    rows = [
        Row("drained: ours, beside taskiq", [70], [50], at_least(1)),
        Row("drained: the same beside another", [70], [90], at_least(1.5)),
        Row("drained: taskiq", [50]),
        Row("idle, ms: ours", [3], (), at_most(5)),
    ]
    chart = Contenders("drained", "Drained", "tasks/s", r"drained: (.+)", "ours", True).of(rows)
    assert chart is not None
    assert chart.bars == [Bar("Milepost", [70], True, 135), Bar("taskiq", [50])]


def test_rows_whose_names_have_a_number_make_a_line() -> None:
    rows = [
        Row("KiB of 10 clients", [3, 1, 2], (), at_most(5)),
        Row("KiB of 2,000 clients", [4], [3], at_most(9)),
    ]
    chart = Growth("memory", "M", "clients", "KiB", {"notify": r"KiB of ([\d,]+) clients"}).of(rows)
    assert chart is not None
    assert chart.series == {"notify": [(10, 2), (2000, 4)]}
    assert chart.target == 5, "that of a ratio is no level"


@pytest.mark.parametrize("name", Page().published())
def test_every_published_table_has_a_chart_of_its_own_figures(name: str) -> None:
    result = Page().published()[name]
    shown = charts(name, result)
    assert shown, "say in gallery.py which rows make one, or hand it to show()"
    assert len({chart.name for chart in shown}) == len(shown)
