"""Owns tokens under the shared secret (HS256): making and checking them. Knows no HTTP.

Tokens that others sign, by JWKS, are checked elsewhere and end in the same `Caller`.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any

import jwt
from jwt.types import Options

from milepost.callers import Caller, caller_of
from milepost.errors import InvalidToken, InvalidValue
from milepost.owners import LOCAL_PREFIX, check_owner
from milepost.settings import Settings

SESSION_AUDIENCE = "milepost-session"
MAX_TOKEN_CHARS = 8192
REQUIRED: Options = {
    "require": ["exp", "sub", "aud"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}
"""Times are checked by `caller_of`, against a clock that is an argument."""


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
    session: str | None = None,
) -> str:
    """Sign a token for `owner`, valid for `ttl_seconds` from `now` (seconds since the epoch).

    `local` is for Milepost's own services alone: without it a token cannot name one of
    Milepost's own accounts, so that an application whose user calls himself `local:bob`
    opens no door. `task` says which running task's code will ask, `session` names the session that
    a cookie is for; they too count with `local` alone.

    Raises:
        InvalidValue: `owner` cannot be an owner, or is a local account without `local`; a single
            text where a list is wanted.
    """
    if isinstance(scopes, str) or isinstance(tasks, str):
        raise InvalidValue("scopes and tasks are lists")
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
    if session is not None:
        claims["sid"] = session
    return jwt.encode(claims, secret, algorithm="HS256")


def verify(token: str, secrets: Sequence[str], *, now: float, audience: str) -> Caller:
    """Check a token against every secret and return whom it proves.

    Raises:
        InvalidToken: malformed, expired (leeway 10 s), another audience or algorithm, signed
            by nobody we know, or naming an owner it must not.
    """
    if len(token) > MAX_TOKEN_CHARS:
        raise InvalidToken("the token is too long")
    return caller_of(claims_of(token, secrets, audience=audience), now, ours=True)


def claims_of(token: str, secrets: Sequence[str], *, audience: str) -> dict[str, Any]:
    """What one of `secrets` has signed for `audience`; whether it has expired is not looked at.

    Raises:
        InvalidToken: malformed, another audience or algorithm, or signed by nobody we know.
    """
    for secret in secrets:
        try:
            return jwt.decode(
                token,
                secret,
                algorithms=["HS256"],
                audience=audience,
                options=REQUIRED,
            )
        except jwt.InvalidSignatureError:
            continue
        except (jwt.InvalidTokenError, ValueError, TypeError) as err:
            raise InvalidToken(f"the token is not valid: {err}") from err
    raise InvalidToken("the token is signed with an unknown key")


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
