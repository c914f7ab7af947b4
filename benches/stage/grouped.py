"""Owns which rows of a table make a chart of bars: those whose names begin alike."""

from collections.abc import Iterable
from statistics import median

from benches.stage.bar_chart import Bar, Bars
from benches.stage.table import Row

AGAIN = ("the same ",)
"""Rows that only compare a figure that another row has: no bar more."""


def grouped(
    name: str,
    title: str,
    unit: str,
    rows: Iterable[Row],
    prefix: str,
    *,
    ours: str = "Milepost",
    more_is_better: bool = True,
    log: bool = False,
) -> Bars:
    """The rows whose names begin with `prefix`, labelled by what follows it.

    Args:
        ours: what the labels of our own rows have.
    """
    bars = [
        _bar(row, row.what.removeprefix(prefix), ours)
        for row in rows
        if row.what.startswith(prefix) and not row.what.removeprefix(prefix).startswith(AGAIN)
    ]
    return Bars(name, title, unit, bars, more_is_better=more_is_better, log=log)


def _bar(row: Row, label: str, ours: str) -> Bar:
    goal = None
    if row.target is not None:
        goal = row.target.bound * (median(row.peer) if row.peer else 1)
    return Bar(label.partition(", beside ")[0], row.values, ours in label, goal)
