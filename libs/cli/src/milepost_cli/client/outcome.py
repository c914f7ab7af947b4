"""Owns what exit statuses mean, so that scripts can rely on them."""

import sys

from milepost.errors import (
    ConfigurationError,
    InvalidRequest,
    InvalidValue,
    MilepostError,
    NotAllowed,
    NotEnded,
    NotSignedIn,
    Unreachable,
)
from milepost_cli.printable import printable

SUCCEEDED = 0
FAILED = 1
"""The task failed or was cancelled, or what was asked was refused."""
USAGE = 2
"""Asked wrongly, or something is not set as it has to be."""
AWAY = 3
"""Not reachable, or not signed in."""
UNFINISHED = 4
"""Not ended within the time given; the task goes on."""
INTERRUPTED = 130
"""Ctrl-C: 128 + 2, as shells show it. The task goes on."""


def status_of(err: MilepostError) -> int:
    """The exit status that an error comes to."""
    match err:
        case InvalidRequest() | InvalidValue() | ConfigurationError():
            return USAGE
        case NotSignedIn() | NotAllowed() | Unreachable():
            return AWAY
        case NotEnded():
            return UNFINISHED
        case _:
            return FAILED


def status_after(*ends: str) -> int:
    """The exit status for tasks that ended so."""
    return SUCCEEDED if all(end == "succeeded" for end in ends) else FAILED


def complain(words: str) -> None:
    """Say one line on standard error."""
    sys.stderr.write(printable(f"milepost: {words}") + "\n")
