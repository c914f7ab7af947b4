"""Owns who is asking, as the claims of a token prove: claims to `Caller`. Checks no signature."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from milepost.errors import InvalidToken, InvalidValue
from milepost.owners import LOCAL_PREFIX, check_owner

LEEWAY_SECONDS = 10
DEFAULT_SCOPES = frozenset({"tasks:read", "tasks:write"})
SCOPES = DEFAULT_SCOPES | {"service", "admin"}
"""What is asked for anywhere; tokens may list others, which mean nothing here."""

Kind = Literal["token", "session", "access-token"]
"""A signed token that nobody keeps; a signed-in browser; a personal access token."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, as far as their credentials prove."""

    owner: str
    scopes: frozenset[str] = DEFAULT_SCOPES
    tasks: frozenset[str] | None = None
    """Ids of the only tasks this caller may read; null: all of the owner's."""
    expires_at: float = 0.0
    """Seconds since the epoch; infinite for credentials that only end by being revoked."""
    task: str | None = None
    """The running task whose code asks, for its owner; null for everybody else."""
    kind: Kind = "token"
    is_foreign: bool = False
    """A key that is not Milepost's own has signed for it: it never stands for a local account."""
    credential: str | None = None
    """Id by which a session or access token is revoked, no secret; null for signed tokens, which
    only expire."""

    @property
    def is_code(self) -> bool:
        """Whether an application's own code asks, which may use private task types."""
        return self.task is not None or "service" in self.scopes

    def may(self, scope: str) -> bool:
        """Whether the credentials carry `scope`; `service` may do whatever an owner may."""
        return scope in self.scopes or (scope != "admin" and "service" in self.scopes)


def caller_of(claims: Mapping[str, Any], now: float, *, ours: bool) -> Caller:
    """Whom the claims of a token prove, whose signature and audience have been checked.

    Args:
        now: seconds since the epoch.
        ours: whether one of our own secrets signed it. Only then the claim `local` counts, which
            names one of Milepost's own accounts: what others sign can never name one.

    Raises:
        InvalidToken: expired (leeway 10 s), or naming an owner it must not.
    """
    sub, exp, nbf = claims.get("sub"), claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(sub, str):
        raise InvalidToken("`sub` has to be a string")
    if not _is_number(exp) or not _is_number(nbf):
        raise InvalidToken("`exp` and `nbf` have to be numbers")
    expires_at = float(cast(float, exp))
    if expires_at + LEEWAY_SECONDS <= now:
        raise InvalidToken("the token has expired")
    if nbf - LEEWAY_SECONDS > now:
        raise InvalidToken("the token is not valid yet")
    try:
        check_owner(sub)
    except InvalidValue as err:
        raise InvalidToken(str(err)) from err
    local = ours and claims.get("local") is True
    if sub.startswith(LOCAL_PREFIX) and not local:
        raise InvalidToken(f"a token cannot name one of the {LOCAL_PREFIX}* accounts")
    scope, tasks = claims.get("scope"), claims.get("tasks")
    task, session = (claims.get(name) if local else None for name in ("task", "sid"))
    if scope is not None and not isinstance(scope, str):
        raise InvalidToken("`scope` has to be a string")
    return Caller(
        owner=sub,
        scopes=DEFAULT_SCOPES if scope is None else frozenset(scope.split()),
        tasks=None if tasks is None else _ids(tasks),
        expires_at=expires_at,
        task=task if isinstance(task, str) else None,
        kind="session" if isinstance(session, str) else "token",
        is_foreign=not ours,
        credential=session if isinstance(session, str) else None,
    )


def _ids(tasks: object) -> frozenset[str]:
    found: list[object] = cast(list[object], tasks) if isinstance(tasks, list) else [None]
    ids = [task for task in found if isinstance(task, str)]
    if len(ids) != len(found):
        raise InvalidToken("`tasks` has to be a list of strings")
    return frozenset(ids)


def _is_number(value: object) -> bool:
    """Whether it is a finite double: NaN would never expire, and a larger integer is no time."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
