"""The command line: finds the command and hands over; imports no service before it is asked for."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

# Handed over as they are: what follows them belongs to pytest or to a benchmark.
PASSED_ON = {
    "test": ("milepost_cli.checkout:test", "run every test; arguments go to pytest"),
    "bench": ("milepost_cli.checkout:bench", "run a benchmark beside its peer; none: list them"),
}
DEFAULT_PORT = 8000
DEFAULT_THREADS = 8


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give the process' exit status: 2 for what was asked wrongly."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in PASSED_ON:
        return _call(PASSED_ON[arguments[0]][0], arguments[1:])
    options = vars(_parser().parse_args(arguments))
    options.pop("command")
    return _call(options.pop("entry"), **options)


def _call(entry: str, *positional: object, **options: object) -> int:
    """Import `module:function` and call it; None counts as success."""
    module, _, name = entry.partition(":")
    run: Callable[..., int | None] = getattr(importlib.import_module(module), name)
    return run(*positional, **options) or 0


class _Parser(argparse.ArgumentParser):
    """An argparse whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"milepost: {message} (see: milepost --help)\n")


class _Version(argparse.Action):
    """Looks the version up only when it is asked for: importlib.metadata is not free."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        sys.stdout.write(f"milepost {version('milepost-cli')}\n")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="milepost", description="Live progress of people's own tasks.")
    parser.add_argument(
        "--version", action=_Version, nargs=0, default=argparse.SUPPRESS, help="print the version"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, entry: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(entry=entry)
        return command

    host = os.environ.get("MILEPOST_HOST") or "127.0.0.1"
    up = add("up", "milepost_cli.up:run", "start everything on this machine")
    up.add_argument("--port", type=_port, default=DEFAULT_PORT, help="of the page and the API")
    up.add_argument("--data-dir", default=".milepost", metavar="DIR", help="where all data lives")
    up.add_argument("--workers", type=_count, default=1, metavar="N", help="worker processes")
    _add_worker_options(up)
    for name, entry, text in (
        ("submit", "milepost_submit.main:run", "serve commands: sign-in, submit, cancel"),
        ("notify", "milepost_notify.main:run", "serve queries, live updates and the page"),
    ):
        service = add(name, entry, text)
        service.add_argument("--host", default=host, help="address to listen on (MILEPOST_HOST)")
        service.add_argument("--port", type=_port, default=DEFAULT_PORT, help="port to listen on")
    _add_worker_options(add("worker", "milepost_worker.main:run", "run tasks"))
    add("projector", "milepost_notify.main:run_projector", "fold the log into the read models")
    add("migrate", "milepost_cli.migrate:run", "bring the database schema up to date")
    dead = add("dead", "milepost_cli.dead:run", "what nobody could read: look at it, try it again")
    dead.add_argument("action", choices=("list", "redrive"), help="show all, or queue again")
    dead.add_argument(
        "ids", nargs="*", metavar="ID", help="what to redrive; none: all of the queues"
    )
    dead.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    _add_data_dir(dead)
    rebuild = add(
        "rebuild", "milepost_cli.rebuild:run", "make the read models again from the history"
    )
    rebuild.add_argument(
        "--dry-run", action="store_true", help="compare them with those served, change nothing"
    )
    rebuild.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    _add_data_dir(rebuild)
    adopt = add("adopt", "milepost_cli.adopt:run", "go on with a log that is empty or another one")
    adopt.add_argument("--confirm", action="store_true", help="do it; without: say what would be")
    _add_data_dir(adopt)
    reconcile = add(
        "reconcile", "milepost_cli.reconcile:run", "end live tasks that Redis does not know"
    )
    reconcile.add_argument("--confirm", action="store_true", help="do it; without: say which")
    reconcile.add_argument(
        "--resubmit", action="store_true", help="put them into their queues again, end none"
    )
    reconcile.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    _add_data_dir(reconcile)
    doctor = add("doctor", "milepost_cli.doctor.command:run", "look at everything, say what to do")
    doctor.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    _add_data_dir(doctor)
    replay = add("replay", "milepost_cli.replay:run", "project what had to wait for newer code")
    replay.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    _add_data_dir(replay)
    add("init", "milepost_cli.env_file:run", "write the secrets of a deployment to .env")
    add("api", "milepost_cli.api_documents:run", "write docs/api anew: OpenAPI and AsyncAPI")
    add("check", "milepost_cli.check:run", "format, lint, types, architecture, unit tests")
    for name, (entry, text) in PASSED_ON.items():
        add(name, entry, text)
    return parser


def _add_worker_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--threads", type=_count, default=DEFAULT_THREADS, metavar="N", help="tasks a worker runs"
    )
    command.add_argument("--tasks", metavar="MODULES", help="modules with tasks, by comma")


def _add_data_dir(command: argparse.ArgumentParser) -> None:
    """For commands that work on what an `up` runs, see operating.py."""
    command.add_argument(
        "--data-dir", metavar="DIR", help="of a running `up` (.milepost); MILEPOST_REDIS_URL wins"
    )


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port (0..65535)")


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 1000:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not in 1..1000")
