"""Owns which programs an embedded Milepost consists of, and the order of their end. Starts none."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from milepost_cli import choices, inherited, listening, valkey
from milepost_cli.child import Program
from milepost_cli.folder import DataFolder

FIRST, THEN, LAST = range(3)
"""Stages of stopping: what takes and does work, then what that needs, the log at the very end."""

# With the 5 s of grace that `up` chooses these add up to less than 10 s.
WORKER_SECONDS = 1.5
"""Over the grace that its tasks have."""
WEB_SECONDS = 5.0
SINK_SECONDS = 1.0
VALKEY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    workers: int
    threads: int
    tasks: str | None


def programs(
    environ: Mapping[str, str], folder: DataFolder, url: str, web_socket: int, wanted: Wanted
) -> list[Program]:
    """All that is to run, with its environment.

    Args:
        environ: ours.
        folder: locked.
        url: where the web process will be reached.
        web_socket: the descriptor it is to listen on.
        wanted: by the command line.

    Raises:
        ConfigurationError: there is no Valkey that runs here.
    """
    found: list[Program] = []
    redis_url = smtp_url = None
    if choices.given(environ, "REDIS_URL") is None:
        valkey_program, redis_url = store(environ, folder)
        found.append(valkey_program)
    sink_socket = -1
    if choices.given(environ, "SMTP_URL") is None:
        listener = listening.listen("127.0.0.1", 0)
        smtp_url = f"smtp://127.0.0.1:{listener.getsockname()[1]}"
        sink_socket = listener.detach()
    own = choices.Own(
        url=url,
        database_url=choices.database_url(folder.database),
        secret=None if choices.given(environ, "SECRET") else folder.secret(),
        redis_url=redis_url,
        smtp_url=smtp_url,
    )
    settings = choices.environment(environ, own, wanted.tasks)
    if redis_url is not None:
        settings[inherited.DATA_FOLDER] = str(folder.path)
    workers = [_worker(settings, number, wanted.threads) for number in range(1, wanted.workers + 1)]
    if sink_socket >= 0:
        settings[inherited.MAIL_FOLDER] = str(folder.mail)
        command = _python("milepost_cli.mail_sink")
        found.append(Program("mail sink", command, settings, THEN, SINK_SECONDS, sink_socket))
    command = _python("milepost_cli.web")
    return [*found, Program("web", command, settings, FIRST, WEB_SECONDS, web_socket), *workers]


def store(environ: Mapping[str, str], folder: DataFolder) -> tuple[Program, str]:
    """The embedded Valkey and where clients find it."""
    binary, port, password = valkey.binary(), valkey.free_port(), os.urandom(24).hex()
    durability = choices.given(environ, "DURABILITY")
    program = Program(
        "valkey",
        (binary, "-"),  # reads its configuration from standard input
        environ,
        stage=LAST,
        stop_seconds=VALKEY_SECONDS,
        # It holds the lock as well: nobody else opens its files before it is really gone.
        inherit=folder.lock_fd,
        stdin=valkey.config(folder.valkey, port, password, durability=durability).encode(),
    )
    return program, valkey.url(port, password)


def _worker(environment: Mapping[str, str], number: int, threads: int) -> Program:
    """One worker process: its command line has the word, the others' have neither it nor a path."""
    command = (*_python("milepost_cli"), "worker", "--threads", str(threads))
    seconds = choices.grace_seconds(environment) + WORKER_SECONDS
    return Program(f"worker {number}", command, environment, FIRST, seconds)


def _python(module: str) -> tuple[str, ...]:
    """Run a module of ours; -P: no file in the current folder can take its place.

    (A worker adds the folder by itself, for a user's own modules.)
    """
    return (sys.executable, "-P", "-m", module)
