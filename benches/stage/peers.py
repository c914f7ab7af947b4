"""Owns the environment that peers live in: not the product's, made at first use from a hashed lock.

`.venv-peers` beside the checkout, by uv where there is one, else by venv and pip.
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
FOLDER = ROOT / ".venv-peers"
LOCK = ROOT / "requirements" / "peers.txt"
PROGRAMS = ROOT / "benches" / "peers"
SET_UP_SECONDS = 300.0


class Peers:
    """The peers' Python and their programs in benches/peers."""

    def __init__(self) -> None:
        """Make the environment where it is not as the lock says.

        Raises:
            CalledProcessError: the package index cannot be reached, or does not have them.
        """
        self.python = str(_made() / "bin" / "python")

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
        return {"BENCH_REDIS_URL": store.url, "PYTHONPATH": str(PROGRAMS)}

    def versions(self, *packages: str) -> list[str]:
        """Such as dramatiq 2.2.1, as locked."""
        pins = dict(
            line.split(" ")[0].split("==")
            for line in LOCK.read_text().splitlines()
            if "==" in line and not line.startswith((" ", "#"))
        )
        return [f"{package} {pins[package]}" for package in packages]


def _made() -> Path:
    """The environment, up to date; several first uses at once make one."""
    wanted = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    stamp = FOLDER / ".made"
    with (ROOT / ".venv-peers.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != wanted:
            sys.stderr.write("milepost: setting up the peers' environment ...\n")
            shutil.rmtree(FOLDER, ignore_errors=True)
            _make()
            stamp.write_text(wanted)
    return FOLDER


def _make() -> None:
    uv = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".venv" / "bin"))
    python = str(FOLDER / "bin" / "python")
    if uv is None:
        _do([sys.executable, "-m", "venv", str(FOLDER)])
        install = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
        _do([*install, "--disable-pip-version-check", "--no-input", "-r", str(LOCK)])
        return
    _do([uv, "venv", "--quiet", "--python", sys.executable, str(FOLDER)])
    _do([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, str(LOCK)])


def _do(command: list[str]) -> None:
    environment = dict(os.environ)
    index = environment.get("PIP_INDEX_URL")
    if index and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE"} & environment.keys():
        environment["UV_DEFAULT_INDEX"] = index  # uv reads other names than pip
    subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, check=True, timeout=SET_UP_SECONDS
    )
