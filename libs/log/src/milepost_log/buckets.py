"""Owns token buckets in Redis: one for all replicas, by the server's clock. Knows no HTTP."""

import asyncio
import math
from typing import NamedTuple

from milepost import keys
from milepost.errors import LogUnavailable
from milepost.settings import Settings
from milepost_log.scripts import call_async
from milepost_log.servers import AsyncServers, open_servers_async

_MICROSECONDS = 1_000_000


class Taken(NamedTuple):
    """What became of an attempt to take a token."""

    taken: bool
    left: int
    """Tokens in the bucket now."""
    wait_seconds: float
    """Until there is one again; 0 where there is."""
    full_seconds: float
    """Until the bucket is full."""


MOST_AT_ONCE = 32
"""Calls under way; the rest wait for them. A flood of requests would use up all connections that
may be made, and go on unlimited."""


def request_buckets(settings: Settings) -> "Buckets | None":
    """The buckets of requests as configured, with connections of their own; null: no limit."""
    if settings.max_requests_per_second is None:
        return None
    servers = open_servers_async(settings.redis_url)
    return Buckets(servers, settings.namespace, settings.max_requests_per_second)


class Buckets:
    """Buckets that all grow alike: `per_second` tokens a second, up to `holds`."""

    def __init__(self, servers: AsyncServers, namespace: str, per_second: float) -> None:
        """`per_second` is above 0. A bucket holds what grows in a second, at least one token."""
        self._servers, self._namespace = servers, namespace
        self.per_second = per_second
        self.holds = max(1, math.floor(per_second))
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def take(self, *parts: str, seconds: float) -> Taken:
        """Take a token out of the bucket that `parts` name.

        Args:
            seconds: how long Redis may take to answer.

        Raises:
            LogUnavailable: it does not.
        """
        key = keys.limit(self._namespace, *parts)
        grows = max(1, round(_MICROSECONDS / self.per_second))
        async with self._turns:
            try:
                async with asyncio.timeout(seconds):
                    found = await call_async(self._servers, "bucket", [key], [grows, self.holds])
            except TimeoutError as err:
                raise LogUnavailable(f"no answer within {seconds:g} s") from err
        taken, left, wait, full = found
        return Taken(bool(taken), left, wait / _MICROSECONDS, full / _MICROSECONDS)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._servers.aclose()
