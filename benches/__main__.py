"""Runs benchmarks, each in a process of its own that ends in time, whatever it started.

./milepost bench                    lists them
./milepost bench NAME... | all      runs them: --short (seconds each), --rounds N,
                                    --write (into docs/benchmarks.md, with their charts)
./milepost bench --draw             tables and charts anew, from the figures kept beside the page
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from benches.stage.page import Page
from benches.stage.table import KEEP_IN, Result
from milepost_cli.leash import leashed

FOLDER = Path(__file__).parent
LIMIT_SECONDS, SHORT_LIMIT_SECONDS = 400.0, 120.0
"""A benchmark that takes longer hangs: it is shown where, and ended."""
WORDS_SECONDS = 1.0
STOP_SECONDS = 10.0


def main(arguments: list[str]) -> int:
    """Run what is asked for; 1 when one of them failed, 2 for one that there is not."""
    names = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))
    if not arguments:
        sys.stdout.write("".join(f"{name}\n" for name in names))
        return 0
    options, page = _options(arguments), Page()
    if options.draw:
        for name, result in page.published().items():
            page.draw(name, result)
        return 0
    unknown = set(options.names) - {*names, "all"}
    if unknown:
        sys.stderr.write(
            f"milepost: no benchmark {', '.join(sorted(unknown))} (there are: {', '.join(names)})\n"
        )
        return 2
    failed = list[str]()
    for name in names if "all" in options.names else options.names:
        began = time.monotonic()
        sys.stdout.write(f"\n### `./milepost bench {name}`\n\n")
        sys.stdout.flush()
        result = _run(name, options)
        if result is None:
            failed.append(name)
        elif options.write:
            page.keep(name, result)
        sys.stderr.write(f"milepost: bench {name}: {time.monotonic() - began:.0f} s\n")
    if failed:
        sys.stderr.write(f"milepost: failed: {', '.join(failed)}\n")
    return 1 if failed else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="milepost bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a benchmark, or `all`")
    parser.add_argument("--short", action="store_true", help="seconds each: that they run")
    parser.add_argument("--rounds", type=int, help="of what is measured in turn; 3, short: 1")
    parser.add_argument("--write", action="store_true", help="publish the figures")
    parser.add_argument("--draw", action="store_true", help="tables and charts, from figures kept")
    parser.add_argument("--limit", type=float, help="seconds that one may take")
    options = parser.parse_args(arguments)
    if options.write and options.short:
        parser.error("--short is too short to be published")
    return options


def _run(name: str, options: argparse.Namespace) -> Result | None:
    """Run one in a session of its own, which prints its table; null when it failed or hung."""
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as folder:
        kept = Path(folder) / "result.json"
        return Result.read(kept) if _ran(name, options, kept) else None


def _ran(name: str, options: argparse.Namespace, kept: Path) -> bool:
    """Run one; whether it came to its end and kept its figures."""
    own = ["--short"] * options.short + (["--rounds", str(options.rounds)] * bool(options.rounds))
    # Settings of the person's own must not change what is measured.
    environment = {key: value for key, value in os.environ.items() if "MILEPOST_" not in key}
    environment |= {"PYTHONPATH": str(FOLDER.parent / "tests"), KEEP_IN: str(kept)}
    child = subprocess.Popen(
        leashed([sys.executable, "-m", f"benches.{name}", *own], signal.SIGTERM),
        cwd=FOLDER.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )

    def stop(number: int, _: FrameType | None) -> NoReturn:
        _end(child)
        sys.exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    limit = options.limit or (SHORT_LIMIT_SECONDS if options.short else LIMIT_SECONDS)
    try:
        child.wait(limit)
    except subprocess.TimeoutExpired:
        sys.stderr.write(f"milepost: {name} takes longer than {limit:g} s; it is here:\n")
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
