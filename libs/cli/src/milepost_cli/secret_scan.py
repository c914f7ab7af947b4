"""Owns looking for secrets in the repository's files, with detect-secrets; changes none.

What it takes for one and is none stands in `.secrets.baseline`, by its hash. Not looked at: locks,
which are hashes throughout, and files that are generated of others.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from milepost_cli import checkout

BASELINE = ".secrets.baseline"
REMEDY = (
    "remedy: take it out, and change it where it is in use; where it is no secret:\n"
    f".venv/bin/detect-secrets scan --baseline {BASELINE}\n"
)


def run(files: Sequence[str] | None = None) -> int:
    """Look at `files`, or at all that git knows of; 1 when there is something, which is printed."""
    names = tracked() if files is None else list(files)
    hook = str(Path(sys.executable).with_name("detect-secrets-hook"))
    done = subprocess.run(
        [hook, "--baseline", BASELINE, *names],
        cwd=checkout.ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stdout.write(f"{done.stdout.rstrip()}\n{REMEDY}")
    return done.returncode


def tracked() -> list[str]:
    """Files that git knows of and that are there."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=checkout.ROOT, stdout=subprocess.PIPE, check=True
    )
    names = listed.stdout.decode().split("\0")
    return [name for name in names if name and (checkout.ROOT / name).is_file()]
