"""What is served of the frontend is what its sources made, small enough, and complete."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from milepost_cli.frontend import FOLDER

SOURCES = FOLDER / "src"
STATIC = FOLDER.parent / "src" / "milepost_notify" / "static"
BUILT = sorted(
    name
    for name in (
        "milepost.js", "milepost-core.js", "milepost-details.js", "milepost-filters.js",
        "milepost-ko.js", "milepost-results.js", "operators.js", "page.js",
    )
)  # fmt: skip
MOST_BYTES = 15 * 1024


def digest() -> str:
    """As build.mjs reckons it: of every source, by its name."""
    found = hashlib.sha256()
    files = {
        str(path.relative_to(SOURCES)): path
        for path in SOURCES.rglob("*")
        if path.suffix in (".js", ".css")
    }
    for name in sorted(files):
        found.update(f"{name}\0".encode() + files[name].read_bytes() + b"\0")
    return found.hexdigest()[:16]


@pytest.mark.parametrize("name", BUILT)
def test_what_is_served_was_built_from_the_sources_that_are_there(name: str) -> None:
    first = (STATIC / name).read_text().splitlines()[0]
    assert f"sources {digest()} " in first, "npm run build in services/notify/frontend"


def test_the_module_with_the_elements_is_under_15_kib() -> None:
    assert len(gzip.compress((STATIC / "milepost.js").read_bytes(), 9)) < MOST_BYTES


def test_korean_says_all_that_english_does() -> None:
    keys = re.compile(r'(?<![\w"{])"?([\w.:]+)"?: "')
    english = (SOURCES / "core" / "messages.js").read_text()
    korean = (SOURCES / "milepost-ko.js").read_text()
    assert set(keys.findall(english)) == set(keys.findall(korean))
    for more in ("details", "operators", "page"):
        text = (SOURCES / more / "messages.js").read_text()
        first, second = text.split("\n  ko: {")
        assert set(keys.findall(first)) == set(keys.findall(second)), more
        if more != "details":  # what it says of a history goes through none of the shared words
            assert not set(keys.findall(english)) & set(keys.findall(first)), more


def test_nothing_that_npm_installs_is_named_by_its_address() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def test_sources_insert_no_html() -> None:
    forbidden = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b")
    found = [path for path in SOURCES.rglob("*.js") if forbidden.search(path.read_text())]
    assert found == list[Path]()
