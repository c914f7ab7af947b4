"""Owns `milepost migrate`: brings every service's tables up to date. Knows no table."""

import sys

from sqlalchemy.exc import SQLAlchemyError

import milepost_notify.main
import milepost_submit.main
from milepost.errors import ConfigurationError
from milepost.settings import Settings
from milepost_service.migrations import Upgrade

SERVICES = {"submit": milepost_submit.main.migrate, "notify": milepost_notify.main.migrate}


def run() -> int:
    """Migrate one service after the other and say what was done; the exit status."""
    try:
        settings = Settings.load()
        for name, migrate in SERVICES.items():
            sys.stdout.write(f"{name}: {_words(migrate(settings))}\n")
    except ConfigurationError as err:
        sys.stderr.write(f"milepost: {err}\n")
        return 2
    except SQLAlchemyError as err:
        reason = str(getattr(err, "orig", None) or err).partition("\n")[0]
        sys.stderr.write(f"milepost: cannot migrate MILEPOST_DATABASE_URL: {reason}\n")
        return 1
    return 0


def _words(done: Upgrade | None) -> str:
    if done is None:
        return "is up to date"
    if done.before is None:
        return f"made, at revision {done.after}"
    return f"brought from revision {done.before} to {done.after}"
