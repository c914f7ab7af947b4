"""Says what is wrong with the requirement locks; changes none and asks no index."""

import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = {
    "run": ["run.in"],
    "test": ["run.in", "test.in"],
    "peers": ["peers.in"],
    "peers_redis5": ["peers_redis5.in"],
    "alternatives": ["alternatives.in"],
    "uv": ["uv.in"],
}
REMEDY = "run requirements/lock --keep"
# What would tie a lock to one index or one machine.
ADDRESS = re.compile(r"://|file:|\s@\s|^\s*--(?!hash=)|(?:^|[\s=])(?:/|~/|[A-Za-z]:\\)")


def problems(root: Path) -> Iterator[str]:
    """Yield one line for each fault of the locks of the checkout `root`."""
    folder = root / "requirements"
    pins = {name: dict(_pins(folder / f"{name}.txt")) for name in LOCKS}
    for name, inputs in LOCKS.items():
        yield from _stale(folder, name, inputs)
        yield from _tied(folder / f"{name}.txt")
        yield from (
            f"{name}.txt: {pin} has no hash"
            for pin, text in pins[name].items()
            if "--hash=" not in text
        )
    for package, text in pins["run"].items():
        if pins["test"].get(package) != text:
            yield f"test.txt: {package} is not what run.txt has; {REMEDY}"
    yield from _unmet(root, pins["run"])


def _stale(folder: Path, name: str, inputs: Iterable[str]) -> Iterator[str]:
    content = b"".join((folder / source).read_bytes() for source in inputs)
    made_from = subprocess.run(["cksum"], input=content, capture_output=True, check=True)
    first = (folder / f"{name}.txt").read_text().partition("\n")[0]
    if not first.endswith(f"inputs {made_from.stdout.decode().strip()}"):
        yield f"{name}.txt: its inputs have changed since; {REMEDY}"


def _tied(lock: Path) -> Iterator[str]:
    for number, line in enumerate(lock.read_text().splitlines(), 1):
        if ADDRESS.search(line):
            yield f"{lock.name}:{number}: names an address, a path or an option: {line.strip()}"


def _pins(lock: Path) -> Iterator[tuple[str, str]]:
    """Yield package and its lines (version, marker, hashes) without the comments."""
    text = re.sub(r"^\s*#.*\n", "", lock.read_text(), flags=re.MULTILINE)
    for block in re.split(r"\n(?=\S)", text.strip()):
        yield canonicalize_name(re.split(r"[\s=;\[]", block, maxsplit=1)[0]), block


def _unmet(root: Path, pins: dict[str, str]) -> Iterator[str]:
    """Compare the members' dependencies with run.in and with the versions locked."""
    members = sorted([*root.glob("libs/*/pyproject.toml"), *root.glob("services/*/pyproject.toml")])
    projects = [tomllib.loads(path.read_text())["project"] for path in members]
    installed = (root / "requirements/members.txt").read_text().splitlines()
    for folder in (path.parent.relative_to(root) for path in members):
        if f"-e ./{folder}" not in installed:
            yield f"members.txt: lacks -e ./{folder}"
    own = {canonicalize_name(project["name"]) for project in projects}
    wanted: set[str] = set()
    for project in projects:
        for requirement in map(Requirement, project["dependencies"]):
            package = canonicalize_name(requirement.name)
            if package in own:
                continue
            wanted.add(package)
            version = re.search(r"==(\S+)", pins.get(package, ""))
            if not version or not requirement.specifier.contains(version[1]):
                yield f"run.txt: does not meet {requirement} of {project['name']}; {REMEDY}"
    lines = (root / "requirements/run.in").read_text().splitlines()
    listed = {canonicalize_name(Requirement(x).name) for x in lines if x and x[0] != "#"}
    yield from (f"run.in: lacks {name}, which a member needs" for name in sorted(wanted - listed))
    yield from (f"run.in: no member needs {name}" for name in sorted(listed - wanted))
