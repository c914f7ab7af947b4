"""`milepost check`: runs every static check and the unit tests side by side; changes no file."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from milepost_cli import checkout

TOOLS = sys.executable.rpartition("/")[0]
FOLDERS = [
    name
    for name in ("libs", "services", "tests", "benches", "examples")
    if (checkout.ROOT / name).is_dir()
]
# The longest first: it has one core, the others share the second.
STEPS = {
    "types": [f"{TOOLS}/basedpyright", "--warnings"],
    "unit tests": [sys.executable, "-m", "pytest", "-q", "--no-header", "tests/unit"],
    "frontend": [sys.executable, "-m", "milepost_cli.check", "frontend"],
    "secrets": [sys.executable, "-m", "milepost_cli.check", "secrets"],
    "architecture": [f"{TOOLS}/lint-imports", "--no-logo"],
    "format": [f"{TOOLS}/ruff", "format", "--check", *FOLDERS],
    "lint": [f"{TOOLS}/ruff", "check", "--quiet", *FOLDERS],
    "locks": [sys.executable, "-m", "milepost_cli.check", "locks"],
}
REMEDIES = {
    "format": f".venv/bin/ruff format {' '.join(FOLDERS)}",
    "frontend": "npm run build in services/notify/frontend, where served and sources differ",
}


class Outcome(NamedTuple):
    """What one step came to."""

    name: str
    seconds: float
    status: int
    output: str


def run() -> int:
    """Run all steps, print a line for each as it ends and then what failed; 1 if any did."""
    if not checkout.is_here():
        return 2
    failed: list[Outcome] = []
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=2) as pool:
        for outcome in _in_order_of_end(pool):
            word = "FAILED" if outcome.status else "ok"
            _write(f"{outcome.name:<14}{word:<8}{outcome.seconds:5.1f} s\n")
            if outcome.status:
                failed.append(outcome)
    for outcome in failed:
        _write(f"\n--- {outcome.name}\n{outcome.output.rstrip()}\n")
        if outcome.name in REMEDIES:
            _write(f"remedy: {REMEDIES[outcome.name]}\n")
    names = ", ".join(outcome.name for outcome in failed)
    verdict = f"failed: {names}" if failed else "all well"
    _write(f"{verdict} ({time.monotonic() - started:.1f} s)\n")
    return 1 if failed else 0


def _in_order_of_end(pool: ThreadPoolExecutor) -> Iterable[Outcome]:
    from concurrent.futures import as_completed

    steps = [pool.submit(_step, name, command) for name, command in STEPS.items()]
    return (step.result() for step in as_completed(steps))


def _step(name: str, command: list[str]) -> Outcome:
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=checkout.ROOT,
        env={**os.environ, "PYTHONWARNINGS": "", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Outcome(name, time.monotonic() - started, done.returncode, done.stdout)


def _locks() -> int:
    """Print what is wrong with the locks and the members' versions; 1 if anything is."""
    from milepost_cli import locks, versions

    lines = [*locks.problems(checkout.ROOT), *versions.problems(checkout.ROOT)]
    _write("".join(f"{line}\n" for line in lines))
    return 1 if lines else 0


def _frontend() -> int:
    """Whether what is served of the frontend is what its sources make, and their types agree."""
    from milepost_cli import frontend

    return frontend.check()


def _secrets() -> int:
    """Whether nothing in the repository looks like a secret."""
    from milepost_cli import secret_scan

    return secret_scan.run()


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    parts = {"locks": _locks, "frontend": _frontend, "secrets": _secrets}
    sys.exit(parts.get("".join(sys.argv[1:]), run)())
