"""Owns copies of this tree's code that a test may change, and where such code is imported from."""

import shutil
from pathlib import Path

from up_process import ROOT

MEMBERS = ("libs/*/src", "services/*/src")


def sources() -> list[Path]:
    """Where the code of this tree is imported from."""
    return [source for pattern in MEMBERS for source in sorted(ROOT.glob(pattern))]


def copied(folder: Path) -> list[Path]:
    """Copy the code into a folder, as it lies here; where the copy is imported from."""
    targets = list[Path]()
    for source in sources():
        target = folder / source.relative_to(ROOT)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        targets.append(target)
    return targets
