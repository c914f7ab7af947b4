"""Owns faults that are planted on purpose: a guarantee taken out of a copy of the tree."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copied_tree import copied
from up_process import ROOT

FOLDER = ROOT / "tests" / "storm" / "planted"


@dataclass(frozen=True, slots=True)
class Edit:
    """Text of a file that is there once, and what is put in its place."""

    file: str
    old: str
    new: str

    def applied(self) -> str:
        """The file of ours with the fault in it.

        Raises:
            AssertionError: the text that it replaces is not there, or several times.
        """
        text = (ROOT / self.file).read_text()
        count = text.count(self.old)
        assert count == 1, f"its text is {count} times in {self.file}: plant the fault anew"
        return text.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class PlantedFault:
    """A guarantee taken out, and the quickest storm that notices."""

    name: str
    guarantee: str
    broken: frozenset[str]
    """Rules of the verdict, of which at least one has to be violated."""
    storm: tuple[str, ...]
    """Arguments of `milepost storm`."""
    edits: tuple[Edit, ...]

    @classmethod
    def read(cls, file: Path) -> "PlantedFault":
        """One of the files in `planted`."""
        found: dict[str, Any] = tomllib.loads(file.read_text())
        return cls(
            file.stem,
            found["guarantee"],
            frozenset(found["broken"]),
            tuple(found["storm"]),
            tuple(Edit(**each) for each in found["edits"]),
        )

    def plant(self, folder: Path) -> dict[str, str]:
        """Copy the tree into a folder, with the fault; the environment that runs the copy, and
        keeps there what a storm that breaks a promise leaves behind."""
        paths = copied(folder)
        for edit in self.edits:
            (folder / edit.file).write_text(edit.applied())
        clean = {name: value for name, value in os.environ.items() if "MILEPOST_" not in name}
        own = {"PYTHONPATH": os.pathsep.join(map(str, paths)), "TMPDIR": str(folder)}
        return clean | own


FAULTS = [PlantedFault.read(file) for file in sorted(FOLDER.glob("*.toml"))]
