"""Owns what a look at one thing has come to. No I/O."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor."""

    check: str
    """A word for programs, such as `durability` or `partition 3`."""
    status: Status
    """`warn`: it works, and somebody should look; `fail`: something does not work, or will not."""
    says: str
    remedy: str | None = None
    """What to do about it; null where all is well."""
