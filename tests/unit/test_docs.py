"""The documentation says what the code has: settings, scripts, decisions, links and examples."""

import re
from pathlib import Path

import pytest

from milepost import definitions
from milepost.settings import Settings
from milepost_cli.checkout import ROOT

README = ROOT / "README.md"
EXAMPLES_PAGE = ROOT / "examples" / "README.md"
PAGES = [
    README, ROOT / "CONTRIBUTING.md", EXAMPLES_PAGE, *sorted((ROOT / "docs").rglob("*.md"))
]  # fmt: skip
EXAMPLES = [README, ROOT / "docs" / "tasks.md", ROOT / "docs" / "testing.md"]
SCREENS = ROOT / "docs" / "screens"
"""Pictures that the browser tests make: a link into it may be dead only until the first is kept."""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def rows(page: Path, header: str) -> list[list[str]]:
    """The cells of the table that has this header line, in any page of ours."""
    lines = page.read_text().splitlines()
    first = lines.index(header) + 2
    table: list[list[str]] = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return table


def shown(default: object) -> str:
    """A default as the table writes it."""
    if isinstance(default, bool):
        return f"`{int(default)}`"
    if default is None or default in ("", ()):
        return "none"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def test_the_table_of_settings_is_complete_and_its_defaults_are_true() -> None:
    table = rows(README, "| `MILEPOST_` + | default | meaning |")
    said = [(row[0].strip("`"), row[1]) for row in table]
    true = [(field.upper(), shown(info.default)) for field, info in Settings.model_fields.items()]
    assert sorted(said) == sorted(true)


def test_what_else_the_environment_decides_is_documented() -> None:
    """Beside the settings: what compose, the Dockerfile and the tests are told by it."""
    compose, image = (ROOT / name for name in ("docker-compose.yml", "Dockerfile"))
    asked = set(re.findall(r"\$\{(\w+)", compose.read_text()))
    asked |= set(re.findall(r"^ARG (\w+)", image.read_text(), re.M))
    for file in [*(ROOT / "tests").glob("*.py"), *(ROOT / "tests").glob("*/conftest.py")]:
        asked |= set(re.findall(r'environ\.get\("(MILEPOST_\w+)"', file.read_text()))
    assert {"PORT", "BASE_IMAGE", "MILEPOST_ENGINE"} <= asked
    said = {word for page in PAGES for word in re.findall(r"\b[A-Z][A-Z_]+\b", page.read_text())}
    said |= {f"MILEPOST_{name.upper()}" for name in Settings.model_fields}
    assert sorted(asked - said) == []


def test_the_table_of_scripts_is_complete() -> None:
    table = rows(ROOT / "docs" / "architecture.md", "| script | called by | appends | done twice |")
    files = (ROOT / "libs" / "log" / "src" / "milepost_log" / "lua").glob("*.lua")
    parts = {"prelude", "type_of", "aside", "start", "claim", "ending", "untaken"}
    assert sorted(row[0].strip("`") for row in table) == sorted({f.stem for f in files} - parts)


def test_every_decision_is_in_the_index_once_and_in_order() -> None:
    folder = ROOT / "docs" / "adr"
    records = sorted(folder.glob("[0-9]*.md"))
    titles = [record.read_text().partition("\n")[0] for record in records]
    expected = [f"# {number:04}: " for number in range(1, len(records) + 1)]
    assert [title[:8] for title in titles] == expected
    assert rows(folder / "README.md", "| no. | decision |") == [
        [f"[{record.name[:4]}]({record.name})", title[8:]]
        for record, title in zip(records, titles, strict=True)
    ]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_relative_link_is_dead(page: Path) -> None:
    dead = [link for link in links(page) if not is_alive(page, link)]
    assert dead == []


def links(page: Path) -> list[str]:
    """Where the page links to inside the repository."""
    text = "\n".join(prose(page))
    found: list[str] = re.findall(r"\]\(([^)\s]+)\)", text)
    found += re.findall(r'(?:src|href)="([^"]+)"', text)
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def is_alive(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return target.parent == SCREENS and not SCREENS.exists()
    return target.is_relative_to(ROOT) and (not anchor or anchor in anchors(target))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    headings = [line.lstrip("# ") for line in prose(page) if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def prose(page: Path) -> list[str]:
    """The lines of a page outside of code blocks."""
    lines: list[str] = []
    inside = False
    for line in page.read_text().splitlines():
        if line.startswith("```"):
            inside = not inside
        elif not inside:
            lines.append(line)
    return lines


def python_blocks() -> list[tuple[str, str]]:
    """Every Python example: where, and its source."""
    found: list[tuple[str, str]] = []
    for page in EXAMPLES:
        blocks: list[str] = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.M | re.S)
        found += [(f"{name(page)}-{number}", code) for number, code in enumerate(blocks, 1)]
    return found


@pytest.mark.parametrize(("where", "code"), python_blocks())
def test_examples_are_python(where: str, code: str) -> None:
    compile(code, where, "exec")


@pytest.mark.parametrize(
    ("where", "code"), [block for block in python_blocks() if "@task" in block[1]]
)
def test_examples_of_tasks_define_tasks(
    where: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(definitions, "_REGISTRY", {})
    exec(compile(code, where, "exec"), {"__name__": where})
    assert definitions.definitions()


def test_what_moving_from_flask_shows_is_what_the_example_has() -> None:
    page = (ROOT / "docs" / "from-flask-rq.md").read_text()
    shown = re.findall(r"^```python\n# (\S+)\n(.*?)^```$", page, re.M | re.S)
    assert [file for file, _ in shown] == ["blog_tasks.py", "app.py", "app.py", "app.py"]
    for file, code in shown:
        assert code in (ROOT / "examples" / "flask" / file).read_text()


def test_the_page_of_benchmarks_has_a_place_for_every_one() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    for bench in (ROOT / "benches").glob("[!_]*.py"):
        assert f"`./milepost bench {bench.stem}`" in page
        assert re.search(rf"<!-- {bench.stem} -->\n(?:.*\n)*?<!-- /{bench.stem} -->\n", page)


def test_the_page_of_screens_shows_pictures_that_there_are() -> None:
    folder = ROOT / "docs" / "screens"
    shown = re.findall(r"\]\((\S+\.png)\)", (folder / "README.md").read_text())
    assert len(shown) == len(set(shown)) > 30
    assert [name for name in shown if not (folder / name).is_file()] == []
