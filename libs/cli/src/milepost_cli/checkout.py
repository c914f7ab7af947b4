"""What only a checkout has: its root, tests and benchmarks; starts them, knows none of them."""

import os
import runpy
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
    """Run `benches/NAME.py` as a program with the other arguments; without a name list them."""
    if not is_here():
        return 2
    folder = ROOT / "benches"
    names = sorted(path.stem for path in folder.glob("[!_]*.py"))
    if not arguments:
        sys.stdout.write("".join(f"{name}\n" for name in names))
        return 0
    if arguments[0] not in names:
        known = ", ".join(names) or "none yet"
        sys.stderr.write(f"milepost: no benchmark {arguments[0]!r} (there are: {known})\n")
        return 2
    # Behind the standard library: a benchmark may be called `queue` too.
    sys.path += [str(folder), str(ROOT / "tests")]
    sys.argv = [str(folder / f"{arguments[0]}.py"), *arguments[1:]]
    runpy.run_path(sys.argv[0], run_name="__main__")
    return 0
