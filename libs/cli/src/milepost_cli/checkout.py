"""What only a checkout has: its root, tests and benchmarks; starts them, knows none of them."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]


def is_here() -> bool:
    """Say whether this is a checkout, with one line on stderr if not (an installed package)."""
    if (ROOT / "tests").is_dir() and (ROOT / "requirements").is_dir():
        return True
    sys.stderr.write("milepost: this needs a checkout of the repository: ./milepost there\n")
    return False


def test(arguments: Sequence[str]) -> int:
    """Become pytest in the checkout's root; returns (2) only where there is no checkout."""
    if not is_here():
        return 2
    os.chdir(ROOT)
    return os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])


def bench(arguments: Sequence[str]) -> int:
    """Become `python -m benches` there; returns (2) only where there is no checkout."""
    if not is_here():
        return 2
    os.chdir(ROOT)
    return os.execv(sys.executable, [sys.executable, "-m", "benches", *arguments])
