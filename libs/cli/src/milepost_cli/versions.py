"""Owns the version: libs/common's, which other members and deploy/k8s have too. Builds nothing.

The build backend wants a version in each pyproject.toml, wheels that name each other without one
could be mixed, and an overlay names the image that it deploys: so `stamp` writes all of them, and
`./milepost check` compares.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_VERSION = re.compile(r'^version = "[^"]*"$', re.MULTILINE)
_MEMBER = re.compile(r'^(    "milepost(?:-[a-z]+)?)(?:==[^"]*)?",$', re.MULTILINE)
_IMAGE = re.compile(r"(?<=\{name: milepost, newName: milepost, newTag: )[^}]*(?=\})")
_NUMBERS = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


def files(root: Path) -> list[Path]:
    """The pyproject.toml of every member, libs/common's first."""
    first = root / "libs" / "common" / "pyproject.toml"
    found = sorted([*root.glob("libs/*/pyproject.toml"), *root.glob("services/*/pyproject.toml")])
    return [first, *(file for file in found if file != first)]


def overlays(root: Path) -> list[Path]:
    """The kustomizations that name the image of a release."""
    return sorted(root.glob("deploy/k8s/overlays/*/kustomization.yaml"))


def current(root: Path) -> str:
    """The version of this tree."""
    return _project(files(root)[0])["version"]


def is_version(text: str) -> bool:
    """Whether it is three numbers, as releases have."""
    return _NUMBERS.fullmatch(text) is not None


def problems(root: Path) -> Iterator[str]:
    """Say which members and images differ."""
    version = current(root)
    for file in files(root):
        project, name = _project(file), file.relative_to(root)
        if project["version"] != version:
            yield f"{name}: version {project['version']}, libs/common has {version}"
        for wanted in project["dependencies"]:
            if wanted.startswith("milepost") and not wanted.endswith(f"=={version}"):
                yield f"{name}: {wanted} is to be =={version}"
    for file in overlays(root):
        if _IMAGE.findall(file.read_text()) != [version]:
            yield f"{file.relative_to(root)}: newTag of milepost is to be {version}"


def stamp(root: Path, version: str) -> None:
    """Write a version into every member and every overlay."""
    for file in files(root):
        text = _VERSION.sub(f'version = "{version}"', file.read_text(), count=1)
        file.write_text(_MEMBER.sub(rf'\g<1>=={version}",', text))
    for file in overlays(root):
        file.write_text(_IMAGE.sub(version, file.read_text()))


def _project(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text())["project"]
