"""Runs benchmarks, each in a process of its own that ends in time, whatever it started.

./milepost bench                    lists them
./milepost bench NAME... | all      runs them: --rounds N,
                                    --write (into docs/benchmarks.md, with their charts),
                                    --short (seconds each; fails on a ratio that has fallen by
                                    more than a third below the published one);
                                    `all` leaves out what takes half an hour
./milepost bench soak --minutes N   goes on for so long
./milepost bench --draw             tables and charts anew, from the figures kept beside the page
"""

import argparse
import sys
import time
from pathlib import Path

from benches.stage import guard
from benches.stage.page import Page
from benches.stage.session import measured
from benches.stage.table import Result

FOLDER = Path(__file__).parent
LIMIT_SECONDS, SHORT_LIMIT_SECONDS = 400.0, 120.0
"""A benchmark that takes longer hangs: it is shown where, and ended."""
LIMITS = {"growth": 2400.0, "sse": 900.0, "fairness": 900.0, "soak": 2400.0}
"""Those that may take longer: many clients, many sizes, a soak of half an hour."""
BY_NAME_ALONE = {"soak"}
SOAK_MINUTES = 30.0


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
    every = [name for name in names if name not in BY_NAME_ALONE]
    for name in every if "all" in options.names else options.names:
        began = time.monotonic()
        sys.stdout.write(f"\n### `./milepost bench {name}`\n\n")
        sys.stdout.flush()
        result = _run(name, options)
        if result is None or (options.short and not _stands(name, page, options, result)):
            failed.append(name)
        elif options.write:
            page.keep(name, result)
        sys.stderr.write(f"milepost: bench {name}: {time.monotonic() - began:.0f} s\n")
    if failed:
        sys.stderr.write(f"milepost: failed: {', '.join(failed)}\n")
    return 1 if failed else 0


def _stands(name: str, page: Page, options: argparse.Namespace, first: Result) -> bool:
    """Whether no guarded ratio has fallen; where one seems to have, by further runs."""
    published, runs = page.published().get(name), [first]
    if published is None:  # a new one; of those guarded a test asks for their figures
        return True
    while falls := list(guard.fallen(name, published, runs)):
        sys.stderr.write("".join(f"milepost: bench {name}: {fall}\n" for fall in falls))
        if len(runs) == guard.RUNS:
            return False
        sys.stderr.write(f"milepost: bench {name}: measured again, to be sure\n")
        another = _run(name, options)
        if another is None:
            return False
        runs.append(another)
    return True


def _run(name: str, options: argparse.Namespace) -> Result | None:
    """Run one; null when it failed or hung."""
    guarded = guard.ROUNDS if options.short and name in guard.GUARDS else None
    rounds = options.rounds or guarded
    own = ["--short"] * options.short + (["--rounds", str(rounds)] if rounds else [])
    own += ["--minutes", str(options.minutes)] if options.minutes else []
    return measured(name, own, options.limit or _limit(name, options))


def _limit(name: str, options: argparse.Namespace) -> float:
    if options.short:
        return SHORT_LIMIT_SECONDS
    return LIMITS.get(name, LIMIT_SECONDS) + 60 * max(0.0, (options.minutes or 0) - SOAK_MINUTES)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="milepost bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a benchmark, or `all`")
    parser.add_argument("--short", action="store_true", help="seconds each; guards ratios")
    parser.add_argument("--rounds", type=int, help="of what is measured in turn; 3, short: 1")
    parser.add_argument("--minutes", type=float, help="how long a soak goes on; 30")
    parser.add_argument("--write", action="store_true", help="publish the figures")
    parser.add_argument("--draw", action="store_true", help="tables and charts, from figures kept")
    parser.add_argument("--limit", type=float, help="seconds that one may take")
    options = parser.parse_args(arguments)
    if not (options.names or options.draw):
        parser.error("which one? (`all`: every one)")
    if options.write and options.short:
        parser.error("--short is too short to be published")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
