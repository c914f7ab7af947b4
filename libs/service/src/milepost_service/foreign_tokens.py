"""Owns checking tokens that others sign with keys of theirs. Fetches no key, knows no HTTP."""

from typing import Any

import jwt

from milepost.callers import Caller, caller_of
from milepost.errors import InvalidToken
from milepost.tokens import MAX_TOKEN_CHARS, REQUIRED
from milepost_service.public_keys import ALGORITHMS, PublicKey, PublicKeys

MAX_KEY_ID_CHARS = 200
SHARED = "HS256"
"""The algorithm of our own secrets. Which of the two ways a token goes is all that its header
decides: on either, only the key's own algorithm is tried."""


def algorithm_of(token: str) -> str:
    """The algorithm a token claims, if it is one of those there are.

    Raises:
        InvalidToken: it is no token, or claims another.
    """
    algorithm = _header(token).get("alg")
    if isinstance(algorithm, str) and (algorithm == SHARED or algorithm in ALGORITHMS):
        return algorithm
    raise InvalidToken("the token is not valid: an algorithm that is not accepted")


async def verify(
    token: str, keys: PublicKeys, *, now: float, audience: str, issuer: str | None
) -> Caller:
    """Check a token against the key it names and return whom it proves.

    Args:
        now: seconds since the epoch.
        issuer: what `iss` has to be; null: anything.

    Raises:
        InvalidToken: as `tokens.verify`; also where it names a local account.
        KeysUnavailable: no key is known.
    """
    header = _header(token)
    key_id = header.get("kid")
    if not isinstance(key_id, str | None) or len(key_id or "") > MAX_KEY_ID_CHARS:
        raise InvalidToken("the token is not valid: `kid` has to be a short string")
    key = await keys.find(key_id, algorithm_of(token))
    if key is None:
        raise InvalidToken("the token is signed with an unknown key")
    return caller_of(_claims(token, key, audience, issuer), now, ours=False)


def _claims(token: str, key: PublicKey, audience: str, issuer: str | None) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            key.key,
            algorithms=[key.algorithm],
            audience=audience,
            issuer=issuer,
            options=REQUIRED,
        )
    except (jwt.PyJWTError, ValueError, TypeError) as err:
        raise InvalidToken(f"the token is not valid: {err}") from err


def _header(token: str) -> dict[str, Any]:
    if len(token) > MAX_TOKEN_CHARS:
        raise InvalidToken("the token is too long")
    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as err:
        raise InvalidToken(f"the token is not valid: {err}") from err
