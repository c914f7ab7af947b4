"""Owns what a benchmark's command line chooses: short or full, and how many rounds."""

import argparse
import faulthandler
import signal
import sys
from types import FrameType
from typing import NoReturn, TypeVar

Sizes = TypeVar("Sizes")


def chosen(short: Sizes, full: Sizes, rounds: int = 3) -> tuple[Sizes, int]:
    """The sizes to measure with, and the number of rounds (short: 1, else `rounds`, or as asked).

    From now on SIGUSR1 shows where the program is, as `./milepost bench` wants to know of one that
    hangs, and SIGTERM leaves every `with` in order.
    """
    options = _options()
    sizes = short if options.short else full
    return sizes, options.rounds or (1 if options.short else rounds)


def minutes(short: float, full: float) -> float:
    """How long to go on, in minutes, for a benchmark that may be told so; signals as `chosen`."""
    options = _options()
    return options.minutes or (short if options.short else full)


def _options() -> argparse.Namespace:
    signal.signal(signal.SIGTERM, _leave)
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--minutes", type=float)
    return parser.parse_args()


def _leave(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
