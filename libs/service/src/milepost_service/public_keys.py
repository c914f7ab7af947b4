"""Owns the public keys others sign tokens with (JWKS, RFC 7517): fetched, kept, fetched again.

Reads the keys of the one URL it was given, never of one that a token names.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import httpx
import jwt

from milepost.errors import MilepostError
from milepost_service import strict_json

_log = logging.getLogger(__name__)

ALGORITHMS = frozenset({"RS256", "ES256", "EdDSA"})
FRESH_SECONDS = 300.0
"""A key that was withdrawn is good for no longer than this, while the URL answers."""
STALE_SECONDS = 24 * 3600.0
"""So long the last keys serve while it does not."""
LEAST_PAUSE_SECONDS = 10.0
"""Between two requests, whatever key ids tokens name."""
ANSWER_SECONDS = 5.0
MAX_BYTES = 256 * 1024
MAX_KEYS = 100
MIN_RSA_BITS = 2048


class KeysUnavailable(MilepostError):
    """No keys are known and the URL gives none: whether a token is good cannot be said (503)."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key and the one algorithm it is for, whatever a token says."""

    id: str | None
    algorithm: str
    key: jwt.PyJWK


class PublicKeys:
    """The keys of one URL. One request at a time, none without need, never two within 10 s."""

    def __init__(
        self,
        url: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Fetch nothing yet."""
        self._url = url
        self._monotonic = monotonic
        self._client = httpx.AsyncClient(
            timeout=ANSWER_SECONDS, follow_redirects=False, transport=transport
        )
        self._keys: list[PublicKey] = []
        self._fetched_at = self._tried_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, key_id: str | None, algorithm: str) -> PublicKey | None:
        """The key a token names, if it is for that algorithm; null when there is none.

        A token without a key id means the only key of its algorithm. An unknown one makes us look
        whether there are new keys.

        Raises:
            KeysUnavailable: no key is known at all.
        """
        age = self._monotonic() - self._fetched_at
        if age > STALE_SECONDS:
            self._keys = []
        elif age > FRESH_SECONDS:
            self._fetch()  # beside us: those we have serve meanwhile
        found = self._known(key_id, algorithm)
        if found is None and (fetching := self._fetch()) is not None:
            await asyncio.shield(fetching)
            found = self._known(key_id, algorithm)
        if not self._keys:
            raise KeysUnavailable("no public keys")
        return found

    async def aclose(self) -> None:
        """Close every connection."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)
        await self._client.aclose()

    def _known(self, key_id: str | None, algorithm: str) -> PublicKey | None:
        fitting = [key for key in self._keys if key.algorithm == algorithm]
        if key_id is None:
            return fitting[0] if len(fitting) == 1 else None
        return next((key for key in fitting if key.id == key_id), None)

    def _fetch(self) -> "asyncio.Task[None] | None":
        """The request under way, or a new one; null where it would be too soon for one."""
        if self._fetching is None or self._fetching.done():
            now = self._monotonic()
            if now - self._tried_at < LEAST_PAUSE_SECONDS:
                return None
            self._tried_at = now
            self._fetching = asyncio.create_task(self._read())
        return self._fetching

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                self._keys = parse(await self._load())
            self._fetched_at = self._monotonic()
        except (httpx.HTTPError, TimeoutError, strict_json.NotJson, NoKeys) as err:
            fields = {"action": "fetch keys", "reason": f"{type(err).__name__}: {err}"}
            _log.warning("no new public keys from JWKS_URL", extra=fields)

    async def _load(self) -> Any:
        raw = bytearray()
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        async with self._client.stream("GET", self._url, headers=headers) as answer:
            if answer.status_code != 200:
                raise NoKeys(f"status {answer.status_code}")
            async for chunk in answer.aiter_raw():
                raw += chunk
                if len(raw) > MAX_BYTES:
                    raise NoKeys(f"more than {MAX_BYTES} bytes")
        return strict_json.loads(bytes(raw))


class NoKeys(MilepostError):
    """What the URL gave is no set of keys that could be used."""


def parse(document: Any) -> list[PublicKey]:
    """The keys of a JWK set that are of use here: RS256, ES256 or EdDSA, for signatures.

    Others, shared ones (`oct`) above all, are passed over: a set may have them for other purposes.

    Raises:
        NoKeys: there is none.
    """
    found = cast(dict[str, Any], document).get("keys") if isinstance(document, dict) else None
    listed: list[Any] = cast(list[Any], found) if isinstance(found, list) else []
    keys = [key for each in listed[:MAX_KEYS] if (key := _usable(each)) is not None]
    if not keys:
        raise NoKeys("no key for RS256, ES256 or EdDSA")
    return keys


def _usable(found: Any) -> PublicKey | None:
    if not isinstance(found, dict):
        return None
    given = cast(dict[str, Any], found)
    key_id, purposes = given.get("kid"), given.get("key_ops", ["verify"])
    if given.get("use", "sig") != "sig" or not isinstance(purposes, list):
        return None
    if "verify" not in purposes or not isinstance(key_id, str | None) or "d" in given:
        return None  # "d": somebody has published a private key, which proves nothing
    try:
        key = jwt.PyJWK(given)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    algorithm = key.algorithm_name
    if algorithm not in ALGORITHMS or (
        algorithm == "RS256" and getattr(key.key, "key_size", 0) < MIN_RSA_BITS
    ):
        return None
    return PublicKey(key_id, algorithm, key)
