"""Owns what comes with a request to prove who sends it, and where sessions and tokens stand."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from milepost.callers import Caller
from milepost.errors import MilepostError

Clock = Callable[[], float]
"""Seconds since the epoch."""

Form = Literal["bearer", "cookie"]
ACCESS_TOKEN_PREFIX = "mpt_"
_ACCESS_TOKEN = re.compile(rf"{ACCESS_TOKEN_PREFIX}[A-Za-z0-9_-]{{43}}")


class RegistryUnavailable(MilepostError):
    """Whether a session or access token is good cannot be found out just now (503)."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came with a request."""

    form: Form
    text: str

    @property
    def is_access_token(self) -> bool:
        """Whether it is a personal access token, by its looks."""
        return self.form == "bearer" and _ACCESS_TOKEN.fullmatch(self.text) is not None


class Registry(Protocol):
    """Where sessions and access tokens stand."""

    async def find(self, sent: Sent) -> Caller | None:
        """Whom a session or access token proves; null when it is none, has expired or was revoked.

        Raises:
            RegistryUnavailable: it cannot be asked.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...
