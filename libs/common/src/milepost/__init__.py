"""Milepost's SDK: define tasks, submit and follow them. Pulls in neither server nor worker.

Names are loaded when first used: a process that wants one module does not pay for all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from milepost.definitions import task
    from milepost.errors import (
        Cancelled,
        Conflict,
        Fail,
        InvalidRequest,
        MilepostError,
        NotAllowed,
        NotEnded,
        NotFound,
        NotSignedIn,
        RequestRefused,
        Retry,
        TooMany,
        Unreachable,
    )
    from milepost.handles import TaskHandle
    from milepost.progress import Progress
    from milepost.running import current
    from milepost.submitting import asubmit, submit
    from milepost.tokens import token

__all__ = [
    "Cancelled", "Conflict", "Fail", "InvalidRequest", "MilepostError", "NotAllowed", "NotEnded",
    "NotFound", "NotSignedIn", "Progress", "RequestRefused", "Retry", "TaskHandle", "TooMany",
    "Unreachable", "asubmit", "current", "submit", "task", "token",
]  # fmt: skip

_HOMES = {
    "Cancelled": "errors",
    "Conflict": "errors",
    "Fail": "errors",
    "InvalidRequest": "errors",
    "MilepostError": "errors",
    "NotAllowed": "errors",
    "NotEnded": "errors",
    "NotFound": "errors",
    "NotSignedIn": "errors",
    "Progress": "progress",
    "RequestRefused": "errors",
    "Retry": "errors",
    "TaskHandle": "handles",
    "TooMany": "errors",
    "Unreachable": "errors",
    "asubmit": "submitting",
    "current": "running",
    "submit": "submitting",
    "task": "definitions",
    "token": "tokens",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module, once."""
    if name not in _HOMES:
        raise AttributeError(f"module 'milepost' has no attribute {name!r}")
    value = getattr(import_module(f"milepost.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
