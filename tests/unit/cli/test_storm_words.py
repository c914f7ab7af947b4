"""The verdict's last line is the command that repeats the storm."""

import argparse
import shlex
from collections import Counter

from milepost_cli.options import add_storm
from milepost_cli.storm.storming import Plan
from milepost_cli.storm.verdict import Verdict
from milepost_cli.storm.words import again, report

PLAN = Plan(42, 90.0, settle_seconds=12.5)


def parsed(line: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_storm(parser)
    program, command, *arguments = shlex.split(line)
    assert (program, command) == ("milepost", "storm")
    return parser.parse_args(arguments)


def test_all_that_makes_a_storm_what_it_was_is_repeated() -> None:
    options = parsed(again(PLAN, 12, 20.0, "http://127.0.0.1:8000", "kill worker,freeze web", []))
    assert (options.seed, options.seconds, options.settle) == (42, 90.0, 12.5)
    assert (options.owners, options.recovery) == (12, 20.0)
    assert (options.url, options.blows) == ("http://127.0.0.1:8000", "kill worker,freeze web")


def test_a_storm_over_its_own_stack_names_no_deployment() -> None:
    options = parsed(again(PLAN, 6, 30.0, None, None, []))
    assert (options.url, options.blows, options.pids) == (None, None, [])


def test_a_process_that_was_named_has_to_be_named_anew() -> None:
    line = again(PLAN, 6, 30.0, "http://127.0.0.1:8000", None, [("web", 4711)])
    assert line.endswith(" --pid web=PID")


def test_the_last_line_says_how_to_repeat_it() -> None:
    *_, last = report(Verdict((), (), Counter()), "milepost storm --seed 42", None)
    assert last == "every promise was kept; again: milepost storm --seed 42"
