"""Milepost's SDK: define tasks, report progress, mint tokens. Pulls in neither server nor worker.

Names are loaded when first used: a process that wants one module does not pay for all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from milepost.definitions import task
    from milepost.errors import Cancelled, Fail, Retry
    from milepost.progress import Progress
    from milepost.running import current
    from milepost.submitting import asubmit, submit
    from milepost.tokens import token

__all__ = [
    "Cancelled", "Fail", "Progress", "Retry", "asubmit", "current", "submit", "task", "token",
]  # fmt: skip

_HOMES = {
    "Cancelled": "errors",
    "Fail": "errors",
    "Progress": "progress",
    "Retry": "errors",
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
