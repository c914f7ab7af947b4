"""Owns the embedded web process: submit, notify and /dev/mail as one. Wires, and decides nothing.

`python -m milepost_cli.web` as a child of `up` (see inherited.py). Submit asks notify over HTTP as
it does everywhere, only that both are here; they share the event loop and no state.
"""

import os
import sys
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

import milepost_notify.main
import milepost_submit.main
from milepost import logs
from milepost.errors import ConfigurationError
from milepost.settings import Settings
from milepost_cli import dev_mail, inherited, stopped
from milepost_log.server_checks import at_start
from milepost_service.joined import Joined
from milepost_service.serve import serve


def main() -> int:
    """Bring the database up to date, then serve on the inherited socket; the exit status."""
    try:
        settings = Settings.load()
        logs.configure(settings.log_format, "web")
        milepost_submit.main.migrate(settings)
        milepost_notify.main.migrate(settings)
        at_start(settings.redis_url, settings.durability)
        if inherited.RESTARTED not in os.environ:  # later, what is there is better than nothing
            stopped.require_none(settings, os.environ.get(inherited.DATA_FOLDER))
        notify = milepost_notify.main.build(settings)
        sock = inherited.listening_socket()
        on_stop = notify.state.stop_waiting
        return serve(compose(settings, notify), settings, sock=sock, on_stop=on_stop)
    except ConfigurationError as err:
        sys.stderr.write(f"milepost: {err}\n")
        return 2


def compose(settings: Settings, notify: FastAPI) -> Joined:
    """Make the one application.

    Raises:
        ConfigurationError: a setting is of no use.
    """
    apps: dict[str, ASGIApp] = {"/api/submit": milepost_submit.main.build(settings)}
    if mail_folder := os.environ.get(inherited.MAIL_FOLDER):
        apps[dev_mail.PREFIX] = dev_mail.build(Path(mail_folder))
        notify.state.catches_mail_for = dev_mail.is_local
    return Joined(apps, notify)


if __name__ == "__main__":
    sys.exit(main())
