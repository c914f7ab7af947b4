"""Owns the parser's own manners and the options that several commands have. Runs nothing."""

import argparse
import re
import sys
from contextlib import suppress
from typing import NoReturn

DEFAULT_PORT = 8000
DEFAULT_THREADS = 8


class Parser(argparse.ArgumentParser):
    """An argparse whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"milepost: {message} (see: milepost --help)\n")


class Version(argparse.Action):
    """Looks the version up only when it is asked for: importlib.metadata is not free."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        sys.stdout.write(f"milepost {version('milepost-cli')}\n")
        parser.exit()


def add_dead(dead: argparse.ArgumentParser) -> None:
    """Its actions; options may stand before and behind the action and its ids."""
    dead.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    add_data_dir(dead)
    actions = dead.add_subparsers(dest="action", metavar="ACTION")
    for name, text in (
        ("list", "show all (so does no action)"),
        ("redrive", "put their tasks into their queues again"),
        ("drop", "remove them, once they have been looked at"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        # Without defaults of their own, which would hide what stands before the action.
        action.add_argument(
            "--json", action="store_true", dest="as_json", default=argparse.SUPPRESS,
            help="print JSON",
        )  # fmt: skip
        add_data_dir(action, default=argparse.SUPPRESS)
        if name == "redrive":
            action.add_argument("ids", nargs="*", metavar="ID", help="none: all of the queues")
        if name == "drop":
            action.add_argument("ids", nargs="*", metavar="ID", help="as `dead list` shows them")
            action.add_argument(
                "--all", action="store_true", dest="everything", help="instead of ids"
            )


def add_release(release: argparse.ArgumentParser) -> None:
    """Its two halves."""
    actions = release.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "write a version into the tree, and keep its contract"
    prepare = actions.add_parser("prepare", help=text, description=text)
    prepare.add_argument("version", metavar="VERSION", help="such as 0.2.0")
    text = "build and try the wheels, and build the image"
    build = actions.add_parser("build", help=text, description=text)
    build.add_argument("--out", default="dist", metavar="DIR", help="for the wheels (dist)")
    build.add_argument("--no-image", action="store_false", dest="image", help="wheels alone")


def add_storm(storm: argparse.ArgumentParser) -> None:
    """Which deployment, how long, what may be struck."""
    storm.add_argument("--url", type=http_url, help="of a deployment; none: a stack of its own")
    storm.add_argument("--seed", type=int, metavar="N", help="of an earlier storm, to repeat it")
    for name, default, text in (
        ("seconds", 60.0, "of load and blows"),
        ("settle", 60.0, "in which everything has to end after that"),
        ("recovery", 30.0, "that a blow may be felt after its end"),
    ):
        storm.add_argument(
            f"--{name}", type=seconds, default=default, metavar="SECONDS",
            help=f"{text} ({default:g})",
        )  # fmt: skip
    storm.add_argument("--owners", type=count, default=6, metavar="N", help="people (6)")
    storm.add_argument("--blows", metavar="NAMES", help="by comma, or `none`; none given: all")
    storm.add_argument(
        "--pid", type=named_pid, action="append", default=[], dest="pids", metavar="NAME=PID",
        help="a process of the deployment that may be frozen, and killed; repeatable",
    )  # fmt: skip
    storm.add_argument("--history", metavar="FILE", help="write all records there, as JSON lines")
    storm.add_argument("--json", action="store_true", dest="as_json", help="print JSON")


def add_worker_options(command: argparse.ArgumentParser) -> None:
    """For commands that run tasks."""
    command.add_argument(
        "--threads", type=count, default=DEFAULT_THREADS, metavar="N", help="tasks a worker runs"
    )
    command.add_argument("--tasks", metavar="MODULES", help="modules with tasks, by comma")


def add_data_dir(command: argparse.ArgumentParser, default: str | None = None) -> None:
    """For commands that work on what an `up` runs, see operating.py."""
    command.add_argument(
        "--data-dir", metavar="DIR", default=default,
        help="of a running `up` (.milepost); MILEPOST_REDIS_URL wins",
    )  # fmt: skip


def port(text: str) -> int:
    """A TCP port; 0 for any that is free."""
    if text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port (0..65535)")


def count(text: str) -> int:
    """How many processes or threads."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 1000:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not in 1..1000")


def seconds(text: str) -> float:
    """A time in seconds."""
    with suppress(ValueError):
        if 0 <= (found := float(text)) <= 86_400:
            return found
    raise argparse.ArgumentTypeError(f"{text!r} is not in 0..86400")


def named_pid(text: str) -> tuple[str, int]:
    """A process by the part that it is."""
    name, _, pid = text.partition("=")
    if name and pid.isascii() and pid.isdigit() and int(pid) > 1:
        return name, int(pid)
    raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PID")


def http_url(text: str) -> str:
    """The address of a deployment, without anything behind its host."""
    found = re.match(r"(https?://[^/?#\s]+)/?$", text)
    if found:
        return found[1]
    raise argparse.ArgumentTypeError(f"{text!r} is no http:// or https:// address")
