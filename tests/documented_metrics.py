"""Owns reading the metrics of docs/observability.md, a table held to what is really exposed."""

import re
from typing import NamedTuple

from up_process import ROOT

PAGE = ROOT / "docs" / "observability.md"
HEADER = "| metric | type | labels | unit | by | means |"
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}


class Documented(NamedTuple):
    """One metric, as the table has it."""

    kind: str
    labels: set[str]


def metrics() -> dict[str, Documented]:
    """All of them, by name."""
    lines = PAGE.read_text().splitlines()
    found: dict[str, Documented] = {}
    for line in lines[lines.index(HEADER) + 2 :]:
        if not line.startswith("|"):
            break
        name, kind, labels, *_ = (cell.strip() for cell in line.split("|")[1:])
        found[name.strip("`")] = Documented(kind, set(re.findall(r"`(\w+)`", labels)))
    return found


def series() -> dict[str, set[str]]:
    """What a query may ask for -> the labels that it has."""
    return {
        name + suffix: labels | ({"le"} if suffix == "_bucket" else set())
        for name, (kind, labels) in metrics().items()
        for suffix in SUFFIXES.get(kind, ("",))
    }
