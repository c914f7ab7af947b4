"""The command line: finds the command and hands over; imports no service before it is asked for."""

import argparse
import importlib
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence

from milepost_cli.options import (
    DEFAULT_PORT,
    Parser,
    Version,
    add_data_dir,
    add_dead,
    add_release,
    add_storm,
    add_worker_options,
    count,
    port,
)

# Handed over as they are: what follows them belongs to pytest or to a benchmark.
PASSED_ON = {
    "test": ("milepost_cli.checkout:test", "run every test; arguments go to pytest"),
    "bench": ("milepost_cli.checkout:bench", "run a benchmark beside its peer; none: list them"),
}
# Handed over as well: the terminal client has a parser of its own (typer), which starts slower.
CLIENT = {
    "send": "submit a task and watch it to its end",
    "watch": "watch your tasks move",
    "tasks": "list your tasks",
    "show": "everything of a task, with its history",
    "explain": "why a task is not running, or not done",
    "cancel": "ask tasks to stop",
    "retry": "run a failed or cancelled task again",
    "login": "sign in, for these commands",
    "logout": "sign out",
    "completion": "print what makes bash, zsh or fish complete",
}
INIT = 1
"""The pid of the first process of a container."""
UNREAD = 141
"""What shells show of a program that SIGPIPE has ended: 128 + 13."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give the process' exit status: 2 for what was asked wrongly.

    Who reads what it says may stop reading (`| head`): then it ends without a word, as programs do
    that the system ends for that.
    """
    try:
        try:
            return _run(argv)
        finally:
            if sys.stdout:  # null where it was closed before the start
                sys.stdout.flush()
    except BrokenPipeError:
        unread = os.open(os.devnull, os.O_WRONLY)
        os.dup2(unread, sys.stdout.fileno())  # for what is flushed at the very end
        os.close(unread)
        return UNREAD


def _run(argv: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in PASSED_ON:
        return _call(PASSED_ON[arguments[0]][0], arguments[1:])
    if arguments and arguments[0] in CLIENT:
        return _call("milepost_cli.client.entry:run", arguments)
    options = vars(_parser()[0].parse_args(arguments))
    options.pop("command")
    if os.getpid() == INIT:
        # The kernel lets a container's first process sleep through signals that it does not handle;
        # until the command does, some seconds of imports later, it would be killed after its grace.
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    return _call(options.pop("entry"), **options)


def _call(entry: str, *positional: object, **options: object) -> int:
    """Import `module:function` and call it; None counts as success."""
    module, _, name = entry.partition(":")
    run: Callable[..., int | None] = getattr(importlib.import_module(module), name)
    return run(*positional, **options) or 0


def commands() -> dict[str, list[str]]:
    """Every command, with the options that its help names."""
    return {
        name: sorted(set(re.findall(r"--[a-z][a-z-]*", command.format_help())))
        for name, command in _parser()[1].items()
    }


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser, and those of the commands by their names."""
    parser = Parser(prog="milepost", description="Live progress of people's own tasks.")
    parser.add_argument(
        "--version", action=Version, nargs=0, default=argparse.SUPPRESS, help="print the version"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    added: dict[str, argparse.ArgumentParser] = {}

    def add(name: str, entry: str, text: str) -> argparse.ArgumentParser:
        added[name] = command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(entry=entry)
        return command

    host = os.environ.get("MILEPOST_HOST") or "127.0.0.1"
    up = add("up", "milepost_cli.up:run", "start everything on this machine")
    up.add_argument("--port", type=port, default=DEFAULT_PORT, help="of the page and the API")
    up.add_argument("--data-dir", default=".milepost", metavar="DIR", help="where all data lives")
    up.add_argument("--workers", type=count, default=1, metavar="N", help="worker processes")
    add_worker_options(up)
    for name, text in CLIENT.items():
        add(name, "milepost_cli.client.entry:run", text)
    for name, entry, text in (
        ("submit", "milepost_submit.main:run", "serve commands: sign-in, submit, cancel"),
        ("notify", "milepost_notify.main:run", "serve queries, live updates and the page"),
    ):
        service = add(name, entry, text)
        service.add_argument("--host", default=host, help="address to listen on (MILEPOST_HOST)")
        service.add_argument("--port", type=port, default=DEFAULT_PORT, help="port to listen on")
    add_worker_options(add("worker", "milepost_worker.main:run", "run tasks"))
    add("projector", "milepost_notify.projector_main:run", "fold the log into the read models")
    add("migrate", "milepost_cli.migrate:run", "bring the database schema up to date")
    add_dead(add("dead", "milepost_cli.dead:run", "what nobody could read: see, retry, drop it"))
    rebuild = add(
        "rebuild", "milepost_cli.rebuild:run", "make the read models again from the history"
    )
    rebuild.add_argument(
        "--dry-run", action="store_true", help="compare them with those served, change nothing"
    )
    rebuild.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    add_data_dir(rebuild)
    adopt = add("adopt", "milepost_cli.adopt:run", "go on with a log that is empty or another one")
    adopt.add_argument("--confirm", action="store_true", help="do it; without: say what would be")
    add_data_dir(adopt)
    reconcile = add(
        "reconcile", "milepost_cli.reconcile:run", "end live tasks that Redis does not know"
    )
    reconcile.add_argument("--confirm", action="store_true", help="do it; without: say which")
    reconcile.add_argument(
        "--resubmit", action="store_true", help="put them into their queues again, end none"
    )
    reconcile.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    add_data_dir(reconcile)
    doctor = add("doctor", "milepost_cli.doctor.command:run", "look at everything, say what to do")
    doctor.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    doctor.add_argument(
        "--target", action="append", nargs="?", const="", default=[], metavar="URL",
        help="say what this Redis or PostgreSQL can promise, and look at nothing else; repeatable; "
        "without a URL: those of the environment",
    )  # fmt: skip
    add_data_dir(doctor)
    operator = add(
        "operator-token", "milepost_cli.operator_token:run", "print what opens the operators' page"
    )
    operator.add_argument("--name", help="who it says acts; none: the system's user")
    operator.add_argument("--minutes", type=count, default=60, metavar="N", help="how long (60)")
    add_data_dir(operator)
    replay = add("replay", "milepost_cli.replay:run", "project what had to wait for newer code")
    replay.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    add_data_dir(replay)
    add_storm(
        add("storm", "milepost_cli.storm.command:run", "strike a deployment, judge what it does")
    )
    probe = add("probe", "milepost_cli.probe:run", "whether what runs in this container is ready")
    probe.add_argument("--port", type=port, default=DEFAULT_PORT, help="of submit or notify")
    add("init", "milepost_cli.env_file:run", "write the secrets of a deployment to .env")
    add("api", "milepost_cli.api_documents:run", "write docs/api anew: OpenAPI and AsyncAPI")
    add_release(add("release", "milepost_cli.release:run", "prepare and build a release"))
    add("check", "milepost_cli.check:run", "format, lint, types, architecture, unit tests")
    for name, (entry, text) in PASSED_ON.items():
        add(name, entry, text)
    return parser, added
