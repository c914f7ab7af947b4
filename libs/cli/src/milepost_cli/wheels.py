"""Owns the wheels of a release: builds them, looks whether they are whole, tries them out."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZipFile

from milepost_cli import versions

_SUMS = "SHA256SUMS"
_LOCK = "requirements.txt"
_SETTINGS = (
    "UV_",
    "PIP_",
    "SSL_",
    "HTTP",
    "http",
    "PATH",
    "HOME",
    "LANG",
    "TMPDIR",
    "XDG_",
    "NO_PROXY",
)
_OF_CHECKOUTS = ("milepost_cli.locks", "milepost_cli.secret_scan")
"""Modules that need tools of the tests."""
_IMPORT_ALL = f"""
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for found in pkgutil.walk_packages(package.__path__, name + "."):
        if not found.name.endswith("__main__") and found.name not in {_OF_CHECKOUTS}:
            importlib.import_module(found.name)
"""


class ReleaseFailed(Exception):
    """What cannot be released; the message is for who tries."""


def build(root: Path, out: Path) -> list[Path]:
    """Build the wheel of every member into `out`, beside the lock they want and the sums of all.

    Raises:
        ReleaseFailed: a wheel cannot be built, or lacks a file.
    """
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("milepost*.whl"):
        old.unlink()
    built: list[Path] = []
    for member in (file.parent for file in versions.files(root)):
        before = set(out.glob("*.whl"))
        _run([_uv(), "build", "--wheel", "--quiet", "--out-dir", out, member])
        (wheel,) = set(out.glob("*.whl")) - before
        _require_whole(wheel, member / "src")
        built.append(wheel)
    shutil.copy(root / "requirements" / "run.txt", out / _LOCK)
    (out / _SUMS).write_text(
        "".join(f"{_sum(file)}  {file.name}\n" for file in [*built, out / _LOCK])
    )
    return built


def try_out(wheels: Iterable[Path], lock: Path, version: str) -> None:
    """Install wheels into an environment of their own, import every module, ask for the version.

    Raises:
        ReleaseFailed: one of these does not work.
    """
    wheels = list(wheels)
    with tempfile.TemporaryDirectory(prefix="milepost-release-") as folder:
        python = Path(folder) / "venv" / "bin" / "python"
        _run([_uv(), "venv", "--quiet", "--python", sys.executable, python.parents[1]])
        install: list[object] = [_uv(), "pip", "install", "--quiet", "--python", python]
        locked: list[object] = [*install, "--require-hashes", "-r", lock]
        try:
            _run([*locked, "--offline"])  # what set this tree up has it all, as a rule
        except ReleaseFailed:
            _run(locked)
        _run([*install, "--offline", "--no-deps", *wheels])
        _run([_uv(), "pip", "check", "--quiet", "--python", python])
        names = [wheel.name.partition("-")[0] for wheel in wheels]
        _run([python, "-I", "-c", _IMPORT_ALL, *names], cwd=folder)
        said = _run([python.with_name("milepost"), "--version"], cwd=folder)
        if said.split() != ["milepost", version]:
            raise ReleaseFailed(f"milepost --version says {said.strip()!r}, not {version}")


def _require_whole(wheel: Path, source: Path) -> None:
    wanted = {
        str(file.relative_to(source))
        for file in source.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    with ZipFile(wheel) as archive:
        missing = wanted - set(archive.namelist())
    if missing:
        raise ReleaseFailed(f"{wheel.name} lacks {', '.join(sorted(missing)[:5])}")


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise ReleaseFailed("needs uv: pip install uv")
    return found


def _run(command: list[object], cwd: str | None = None) -> str:
    """Run a command as it is outside of this environment; its output."""
    own = {name: value for name, value in os.environ.items() if name.startswith(_SETTINGS)}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=own, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ReleaseFailed(f"{Path(str(command[0])).name}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _sum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
