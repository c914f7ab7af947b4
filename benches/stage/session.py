"""Owns the process that a benchmark runs in: it ends in time, with whatever it started."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from benches.stage.processes import import_path
from benches.stage.table import KEEP_IN, Result
from milepost_cli.leash import leashed

ROOT = Path(__file__).resolve().parents[2]
WORDS_SECONDS = 1.0
STOP_SECONDS = 10.0


def measured(name: str, arguments: Sequence[str], limit_seconds: float) -> Result | None:
    """Run one in a session of its own, which prints its table; null when it failed or hung."""
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as folder:
        kept = Path(folder) / "result.json"
        return Result.read(kept) if _ran(name, arguments, limit_seconds, kept) else None


def _ran(name: str, arguments: Sequence[str], limit_seconds: float, kept: Path) -> bool:
    """Run one; whether it came to its end and kept its figures."""
    # Settings of the person's own must not change what is measured.
    environment = {key: value for key, value in os.environ.items() if "MILEPOST_" not in key}
    environment |= {"PYTHONPATH": import_path(ROOT / "tests"), KEEP_IN: str(kept)}
    child = subprocess.Popen(
        leashed([sys.executable, "-m", f"benches.{name}", *arguments], signal.SIGTERM),
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )

    def stop(number: int, _: FrameType | None) -> NoReturn:
        _end(child)
        sys.exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        child.wait(limit_seconds)
    except subprocess.TimeoutExpired:
        sys.stderr.write(f"milepost: {name} takes longer than {limit_seconds:g} s; it is here:\n")
        child.send_signal(signal.SIGUSR1)
        time.sleep(WORDS_SECONDS)
        return False
    finally:
        _end(child)
    return child.returncode == 0 and kept.is_file()


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End it, in order if it can, and then everything that it left."""
    if child.poll() is None:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(STOP_SECONDS)
    for pid in {child.pid, *_session(child.pid)}:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    child.wait(STOP_SECONDS)


def _session(leader: int) -> Iterator[int]:
    """The process groups of a session that has only our own processes; Linux alone says."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # After the name in brackets: state, parent, group, session.
            group, session = stat.read_text().rpartition(")")[2].split()[2:4]
            if int(session) == leader:
                yield int(group)
