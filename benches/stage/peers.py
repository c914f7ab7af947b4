"""Owns the environments that peers live in: not the product's, made at first use from hashed locks.

`.venv-LOCK` beside the checkout, by uv where there is one, else by venv and pip.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from benches.stage.processes import Processes
from benches.stage.store import Store

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "benches" / "peers"
SET_UP_SECONDS = 300.0


class Peers:
    """The Python of peers that share a lock, and their programs in benches/peers."""

    def __init__(self, name: str = "peers") -> None:
        """Make the environment where it is not as requirements/NAME.txt says.

        Raises:
            CalledProcessError: the package index cannot be reached, or does not have them.
        """
        self._lock = ROOT / "requirements" / f"{name}.txt"
        folder = _made(ROOT / f".venv-{name}", self._lock)
        self.python = str(folder / "bin" / "python")
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self.packages = folder / "lib" / version / "site-packages"
        """For what is to stand beside our own packages, in a process of our Python."""

    def run(self, processes: Processes, store: Store, program: str, *arguments: object) -> Any:
        """Run a peer's program to its end; the JSON it printed."""
        command = [self.python, str(PROGRAMS / f"{program}.py"), *map(str, arguments)]
        return json.loads(processes.output(command, self.environment(store)))

    def start(
        self, processes: Processes, store: Store, *command: str, **settings: str
    ) -> "subprocess.Popen[bytes]":
        """Start `python -m COMMAND`, such as a peer's worker, where it can import its program."""
        environment = self.environment(store) | settings
        return processes.start(
            [self.python, "-m", *command],
            environment,
            folder=PROGRAMS,
            stderr=subprocess.DEVNULL,
        )

    @staticmethod
    def environment(store: Store) -> dict[str, str]:
        """What every peer's program is told."""
        return {
            "BENCH_REDIS_URL": store.url,
            "BENCH_FOLDER": str(store.folder),
            "RQ_REDIS_URL": store.url,
            "PYTHONPATH": str(PROGRAMS),
        }

    def versions(self, *packages: str) -> list[str]:
        """Such as dramatiq 2.2.1, as locked."""
        pins = dict(
            line.split(" ")[0].split("==")
            for line in self._lock.read_text().splitlines()
            if "==" in line and not line.startswith((" ", "#"))
        )
        return [f"{package} {pins[package]}" for package in packages]


def _made(folder: Path, lock: Path) -> Path:
    """The environment, up to date; several first uses at once make one."""
    wanted = hashlib.sha256(lock.read_bytes() + f"{sys.version}, compiled".encode()).hexdigest()
    stamp = folder / ".made"
    with Path(f"{folder}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != wanted:
            sys.stderr.write(f"milepost: setting up {folder.name} ...\n")
            shutil.rmtree(folder, ignore_errors=True)
            _make(folder, lock)
            stamp.write_text(wanted)
    return folder


def _make(folder: Path, lock: Path) -> None:
    uv = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".venv" / "bin"))
    python = str(folder / "bin" / "python")
    if uv is None:
        _do([sys.executable, "-m", "venv", str(folder)])
        install = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
        _do([*install, "--disable-pip-version-check", "--no-input", "-r", str(lock)])
        return
    _do([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
    # Compiled, as pip does: what forks for each task would else compile what it imports then.
    install = [uv, "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode"]
    _do([*install, "--python", python, str(lock)])


def _do(command: list[str]) -> None:
    environment = dict(os.environ)
    index = environment.get("PIP_INDEX_URL")
    if index and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE"} & environment.keys():
        environment["UV_DEFAULT_INDEX"] = index  # uv reads other names than pip
    subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, check=True, timeout=SET_UP_SECONDS
    )
