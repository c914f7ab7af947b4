"""Owns `milepost migrate`: brings every service's tables up to date. Knows no table."""

import sys

from sqlalchemy.exc import SQLAlchemyError

import milepost_notify.main
import milepost_submit.main
from milepost.errors import ConfigurationError
from milepost.settings import Settings

SERVICES = {"submit": milepost_submit.main.migrate, "notify": milepost_notify.main.migrate}


def run() -> int:
    """Migrate one service after the other and say what was done; the exit status."""
    try:
        settings = Settings.load()
        for name, migrate in SERVICES.items():
            done = "brought up to date" if migrate(settings) else "is up to date"
            sys.stdout.write(f"{name}: {done}\n")
    except ConfigurationError as err:
        sys.stderr.write(f"milepost: {err}\n")
        return 2
    except SQLAlchemyError as err:
        reason = str(getattr(err, "orig", None) or err).partition("\n")[0]
        sys.stderr.write(f"milepost: cannot migrate MILEPOST_DATABASE_URL: {reason}\n")
        return 1
    return 0
