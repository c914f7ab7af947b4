"""Owns the version: it is libs/common's, and the other members have the same. Builds nothing.

The build backend wants a version in each pyproject.toml, and wheels that name each other without
one could be mixed: so `stamp` writes all of them, and `./milepost check` compares.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_VERSION = re.compile(r'^version = "[^"]*"$', re.MULTILINE)
_MEMBER = re.compile(r'^(    "milepost(?:-[a-z]+)?)(?:==[^"]*)?",$', re.MULTILINE)
_NUMBERS = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


def files(root: Path) -> list[Path]:
    """The pyproject.toml of every member, libs/common's first."""
    first = root / "libs" / "common" / "pyproject.toml"
    found = sorted([*root.glob("libs/*/pyproject.toml"), *root.glob("services/*/pyproject.toml")])
    return [first, *(file for file in found if file != first)]


def current(root: Path) -> str:
    """The version of this tree."""
    return _project(files(root)[0])["version"]


def is_version(text: str) -> bool:
    """Whether it is three numbers, as releases have."""
    return _NUMBERS.fullmatch(text) is not None


def problems(root: Path) -> Iterator[str]:
    """Say which members differ."""
    version = current(root)
    for file in files(root):
        project, name = _project(file), file.relative_to(root)
        if project["version"] != version:
            yield f"{name}: version {project['version']}, libs/common has {version}"
        for wanted in project["dependencies"]:
            if wanted.startswith("milepost") and not wanted.endswith(f"=={version}"):
                yield f"{name}: {wanted} is to be =={version}"


def stamp(root: Path, version: str) -> None:
    """Write a version into every member."""
    for file in files(root):
        text = _VERSION.sub(f'version = "{version}"', file.read_text(), count=1)
        file.write_text(_MEMBER.sub(rf'\g<1>=={version}",', text))


def _project(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text())["project"]
