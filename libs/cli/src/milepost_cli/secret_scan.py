"""Owns looking for secrets in the repository's files, with detect-secrets; changes none.

What it takes for one and is none stands in `.secrets.baseline`, by its hash. Not looked at: locks,
which are hashes throughout, and files that are generated of others.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from milepost_cli import checkout

BASELINE = ".secrets.baseline"
LINES_MOVED = 3
"""What the hook ends with when it has found nothing but other line numbers."""
REMEDY = (
    "remedy: take it out, and change it where it is in use; where it is no secret:\n"
    f".venv/bin/detect-secrets scan --baseline {BASELINE}\n"
)


def run(files: Sequence[str] | None = None) -> int:
    """Look at `files`, or at all that git knows of; 1 when there is something, which is printed."""
    names = tracked() if files is None else list(files)
    hook = str(Path(sys.executable).with_name("detect-secrets-hook"))
    with tempfile.TemporaryDirectory() as folder:
        # A copy: where lines have only moved, the hook writes their new numbers into it.
        baseline = shutil.copy(checkout.ROOT / BASELINE, folder)
        done = subprocess.run(
            [hook, "--baseline", baseline, *names],
            cwd=checkout.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode in (0, LINES_MOVED):
        return 0
    sys.stdout.write(f"{done.stdout.rstrip()}\n{REMEDY}")
    return 1


def tracked() -> list[str]:
    """Files that git knows of and that are there."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=checkout.ROOT, stdout=subprocess.PIPE, check=True
    )
    names = listed.stdout.decode().split("\0")
    return [
        name for name in names if name and name != BASELINE and (checkout.ROOT / name).is_file()
    ]
