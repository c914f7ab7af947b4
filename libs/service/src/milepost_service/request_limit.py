"""Owns how many requests a second a caller may make, before anything is done for him. Counts
nothing itself: buckets do, for all replicas.

It exists only where MAX_REQUESTS_PER_SECOND is set. While the buckets cannot be asked nobody is
refused: a service that shuts everybody out since a counter is away does worse than one without.
"""

import logging
import math
import time
from collections.abc import Callable
from typing import Protocol

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from milepost.errors import LogUnavailable
from milepost.problems import HttpProblem
from milepost_service.answers import answer
from milepost_service.auth import address_of, caller

ASK_SECONDS = 0.25
"""How long Redis may take to answer."""
BLIND_SECONDS = 1.0
"""So long nobody is asked after no answer."""
FREE = ("livez", "readyz", "metrics")
"""For the machines around us, which must not be refused when somebody else behind their address is
busy."""
POLICY = "requests"

_log = logging.getLogger(__name__)


class Taken(Protocol):
    """What became of an attempt to take a token."""

    @property
    def taken(self) -> bool:
        """Whether there was one."""
        ...

    @property
    def left(self) -> int:
        """Tokens there are now."""
        ...

    @property
    def wait_seconds(self) -> float:
        """Until there is one again."""
        ...

    @property
    def full_seconds(self) -> float:
        """Until there are as many as can be."""
        ...


class Buckets(Protocol):
    """Token buckets by name."""

    per_second: float
    holds: int

    async def take(self, *parts: str, seconds: float) -> Taken:
        """Take one, within so many seconds of its turn.

        Raises:
            LogUnavailable: nobody can say.
        """
        ...


class RequestLimit:
    """Takes a token for each request to an endpoint: out of the caller's bucket, or, without good
    credentials, his address's.

    Applications' backends and the code of tasks act for many owners and are not counted. The fields
    told are those of draft-ietf-httpapi-ratelimit-headers-10.
    """

    def __init__(
        self,
        app: ASGIApp,
        buckets: Buckets,
        prefix: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`prefix` is where the service's endpoints are, such as `/api/submit`."""
        self._app, self._buckets, self._monotonic = app, buckets, monotonic
        self._prefix = f"{prefix}/"
        self._free = frozenset(f"{prefix}/{name}" for name in FREE)
        window = max(1, math.ceil(buckets.holds / buckets.per_second))
        self._policy = f'"{POLICY}";q={buckets.holds};w={window}'.encode()
        self._blind_until = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse with 429."""
        if scope["type"] != "http" or not self._counts(scope["path"]):
            return await self._app(scope, receive, send)
        whose = await _bucket_of(Request(scope))
        found = None if whose is None else await self._take(whose)
        if found is None:
            return await self._app(scope, receive, send)
        state = f'"{POLICY}";r={found.left};t={math.ceil(found.full_seconds)}'.encode()
        fields = [(b"ratelimit-policy", self._policy), (b"ratelimit", state)]

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *fields]
            await send(message)

        if found.taken:
            return await self._app(scope, receive, telling)
        refused = _refused(self._buckets.per_second, found.wait_seconds)
        return await answer(refused.body, refused.headers)(scope, receive, telling)

    def _counts(self, path: str) -> bool:
        return path.startswith(self._prefix) and path not in self._free

    async def _take(self, whose: tuple[str, str]) -> Taken | None:
        """What the bucket says; null where it cannot be asked."""
        if self._monotonic() < self._blind_until:
            return None
        try:
            found = await self._buckets.take("requests", *whose, seconds=ASK_SECONDS)
        except LogUnavailable as err:
            if self._blind_until == float("-inf"):
                fields = {"action": "limit", "reason": str(err)}
                _log.warning("requests are not limited: no answer from Redis", extra=fields)
            self._blind_until = self._monotonic() + BLIND_SECONDS
            return None
        if self._blind_until != float("-inf"):
            self._blind_until = float("-inf")
            _log.info("requests are limited again", extra={"action": "limit"})
        return found


async def _bucket_of(request: Request) -> tuple[str, str] | None:
    """Whose bucket; null for those who have none."""
    try:
        who = await caller(request)
    except HttpProblem:
        return "address", address_of(request)
    return None if who.is_code else ("owner", who.owner)


def _refused(per_second: float, wait_seconds: float) -> HttpProblem:
    detail = f"At most {per_second:g} requests a second."
    headers = {"Retry-After": str(max(1, math.ceil(wait_seconds)))}
    return HttpProblem(429, "too-many-requests", "Too many requests", detail, headers=headers)
