"""Owns `milepost up`: takes folder and address, says what people are told. Supervises nothing.

The supervisor's process imports no service and no pydantic: it stays small, starts fast, and what
it can know to be wrong it says before anything is started.
"""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from milepost.errors import ConfigurationError
from milepost_cli import choices, inherited, instance, listening
from milepost_cli.child import Child, occupy_low_descriptors
from milepost_cli.folder import DataFolder
from milepost_cli.journal import Journal
from milepost_cli.programs import Wanted, programs
from milepost_cli.readiness import Readiness
from milepost_cli.supervisor import Supervisor
from milepost_cli.terminal import Terminal

RELAY = (
    "anybody who signs up can send mail through MILEPOST_SMTP_URL: set MILEPOST_SIGNUP=closed, or "
    "MILEPOST_PUBLIC_TYPES to types other than mail.send"
)
READY_PATHS = ("/api/notify/readyz", "/api/submit/readyz")


def run(port: int, data_dir: str, workers: int, threads: int, tasks: str | None) -> int:
    """Run everything on this machine until told to stop; the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there is something to stop: no traceback
    occupy_low_descriptors()
    environ = dict(os.environ)
    try:
        folder = DataFolder(Path(data_dir))
        folder.lock()
        killed = instance.forget(folder.path)
        web_socket = listening.listen(choices.given(environ, "HOST") or "127.0.0.1", port)
        address = listening.reachable_at(web_socket)
        url = listening.url(address)
        folder.sign(f"pid {os.getpid()}, {url}")
        wanted = Wanted(workers, threads, tasks)
        found = programs(environ, folder, url, web_socket.fileno(), wanted)
        instance.tell(folder.path, os.getpid(), found[-1].environment)
    except ConfigurationError as err:
        sys.stderr.write(f"milepost: {err}\n")
        return 2
    lifeline, _ours_alone = os.pipe()
    journal = Journal(folder.logs / "up.log")
    terminal = Terminal(choices.given(environ, "LOG_FORMAT"), journal, _now)
    catches_mail = any(inherited.MAIL_FOLDER in program.environment for program in found)
    supervisor = Supervisor(
        [Child(program, Journal(_log_file(folder, program.name)), lifeline) for program in found],
        lambda selector: Readiness(selector, address, READY_PATHS),
        terminal,
        on_ready=lambda seconds: terminal.greet(
            _greeting(
                choices.given(environ, "PUBLIC_URL") or url, folder, url, catches_mail, seconds
            )
        ),
        on_stop=web_socket.close,
    )
    if killed:
        terminal.say(f"pid {killed} did not stop by itself: going on with what it left")
    if choices.sends_for_strangers(environ):
        terminal.say(RELAY, level="WARNING")
    try:
        status = supervisor.run()
    finally:
        instance.forget(folder.path)
    if status == 0:
        terminal.say(f"stopped; all data is in {folder.path}")
    return status


def _greeting(
    public_url: str, folder: DataFolder, url: str, catches_mail: bool, seconds: float
) -> str:
    mail = f"  Mail   {url}/dev/mail (caught here, nothing is really sent)\n"
    return (
        f"\n  Milepost is ready: {public_url}   ({seconds:.1f} s)\n\n"
        f"  Data   {folder.path} (logs in logs/)\n"
        f"{mail if catches_mail else ''}"
        "  Stop   Ctrl-C\n\n"
    )


def _log_file(folder: DataFolder, name: str) -> Path:
    return folder.logs / f"{name.replace(' ', '-')}.log"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
