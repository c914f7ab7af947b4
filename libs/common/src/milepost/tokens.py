"""Owns bearer tokens and session cookies: making and checking JWTs. Knows no HTTP.

HS256 with the shared secret here; keys by JWKS are resolved elsewhere and end in the same `Caller`.
"""

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from milepost.errors import InvalidToken, InvalidValue
from milepost.owners import LOCAL_PREFIX, check_owner
from milepost.settings import Settings

LEEWAY_SECONDS = 10
DEFAULT_SCOPES = frozenset({"tasks:read", "tasks:write"})
SESSION_AUDIENCE = "milepost-session"
SESSION_SECONDS = 30 * 24 * 3600
_MAX_TOKEN_CHARS = 8192


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, as far as their credentials prove."""

    owner: str
    scopes: frozenset[str] = DEFAULT_SCOPES
    tasks: frozenset[str] | None = None
    """Ids of the only tasks this caller may read; null: all of the owner's."""
    expires_at: float = 0.0
    """Seconds since the epoch."""
    task: str | None = None
    """The running task whose code asks, for its owner; null for everybody else."""

    @property
    def is_code(self) -> bool:
        """Whether an application's own code asks, which may use private task types."""
        return self.task is not None or "service" in self.scopes

    def may(self, scope: str) -> bool:
        """Whether the credentials carry `scope`; `service` may do whatever an owner may."""
        return scope in self.scopes or (scope != "admin" and "service" in self.scopes)


def mint(
    owner: str,
    secret: str,
    *,
    now: float,
    ttl_seconds: float = 900,
    scopes: Iterable[str] | None = None,
    tasks: Iterable[str] | None = None,
    audience: str = "milepost",
    local: bool = False,
    task: str | None = None,
) -> str:
    """Sign a token for `owner`, valid for `ttl_seconds` from `now` (seconds since the epoch).

    `local` is for Milepost's own services alone: without it a token cannot name one of
    Milepost's own accounts, so that an application whose user calls himself `local:bob`
    opens no door. `task` says which running task's code will ask; it too counts with `local` alone.

    Raises:
        InvalidValue: `owner` cannot be an owner, or is a local account without `local`.
    """
    if check_owner(owner).startswith(LOCAL_PREFIX) and not local:
        raise InvalidValue(f"{LOCAL_PREFIX}* are Milepost's own accounts")
    claims: dict[str, Any] = {
        "sub": owner,
        "aud": audience,
        "iat": int(now),
        "exp": int(now + ttl_seconds),
    }
    if scopes is not None:
        claims["scope"] = " ".join(scopes)
    if tasks is not None:
        claims["tasks"] = list(tasks)
    if local:
        claims["local"] = True
    if task is not None:
        claims["task"] = task
    return jwt.encode(claims, secret, algorithm="HS256")


def verify(token: str, secrets: Sequence[str], *, now: float, audience: str) -> Caller:
    """Check a token against every secret and return whom it proves.

    Raises:
        InvalidToken: malformed, expired (leeway 10 s), another audience or algorithm, signed
            by nobody we know, or naming an owner it must not.
    """
    if len(token) > _MAX_TOKEN_CHARS:
        raise InvalidToken("the token is too long")
    for secret in secrets:
        try:
            claims = jwt.decode(
                token,
                secret,
                algorithms=["HS256"],
                audience=audience,
                options={
                    "require": ["exp", "sub", "aud"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.InvalidSignatureError:
            continue
        except (jwt.InvalidTokenError, ValueError, TypeError) as err:
            raise InvalidToken(f"the token is not valid: {err}") from err
        return _caller(claims, now)
    raise InvalidToken("the token is signed with an unknown key")


def _caller(claims: dict[str, Any], now: float) -> Caller:
    sub, exp, nbf = claims["sub"], claims["exp"], claims.get("nbf", 0)
    if not isinstance(sub, str):
        raise InvalidToken("`sub` has to be a string")
    if not _is_number(exp) or not _is_number(nbf):
        raise InvalidToken("`exp` and `nbf` have to be numbers")
    if exp + LEEWAY_SECONDS <= now:
        raise InvalidToken("the token has expired")
    if nbf - LEEWAY_SECONDS > now:
        raise InvalidToken("the token is not valid yet")
    try:
        check_owner(sub)
    except InvalidValue as err:
        raise InvalidToken(str(err)) from err
    if sub.startswith(LOCAL_PREFIX) and claims.get("local") is not True:
        raise InvalidToken(f"a token cannot name one of the {LOCAL_PREFIX}* accounts")
    scope, tasks, task = claims.get("scope"), claims.get("tasks"), claims.get("task")
    if scope is not None and not isinstance(scope, str):
        raise InvalidToken("`scope` has to be a string")
    if tasks is not None and not (
        isinstance(tasks, list) and all(isinstance(task, str) for task in tasks)  # pyright: ignore[reportUnknownVariableType]  # JSON from outside
    ):
        raise InvalidToken("`tasks` has to be a list of strings")
    return Caller(
        owner=sub,
        scopes=DEFAULT_SCOPES if scope is None else frozenset(scope.split()),
        tasks=None if tasks is None else frozenset(tasks),  # pyright: ignore[reportUnknownArgumentType]  # checked above
        expires_at=float(exp),
        task=task if isinstance(task, str) and claims.get("local") is True else None,
    )


def _is_number(value: object) -> bool:
    """Whether it is a finite double: NaN would never expire, and a larger integer is no time."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def token(
    owner: str,
    scopes: Iterable[str] | None = None,
    tasks: Iterable[str] | None = None,
    ttl_seconds: float = 900,
) -> str:
    """Mint a token for `owner`'s browser, in an application's backend, with MILEPOST_SECRET.

    Args:
        scopes: what it may do; null: read and write the owner's own tasks.
        tasks: ids of the only tasks it may read; null: all of the owner's.

    Raises:
        InvalidValue: `owner` cannot be an owner, or is one of Milepost's own accounts.
        ConfigurationError: MILEPOST_SECRET is missing or weak.
    """
    settings = Settings.load()
    settings.require_secret()
    return mint(
        owner, settings.secrets[0], now=time.time(), ttl_seconds=ttl_seconds, scopes=scopes,
        tasks=tasks, audience=settings.jwt_audience,
    )  # fmt: skip
