"""Owns whether Redis has room for new tasks: none from 85 % of its maxmemory. Counts no task.

The rest is for what workers need to end the tasks that are there. Each replica asks by itself.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

import redis.asyncio

from milepost.errors import LogFull, LogUnavailable
from milepost_log.server_checks import Watch

_log = logging.getLogger(__name__)

FULL_SHARE = 0.85
FRESH_SECONDS = 1.0


class Room:
    """Room for new tasks; asks at most once a second, while there are any, and where there is a
    limit."""

    def __init__(
        self,
        client: redis.asyncio.Redis,
        watch: Watch,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._watch = watch
        self._monotonic = monotonic
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()
        self._was_full = False

    async def check(self) -> None:
        """Return if there is room, as far as is known.

        Raises:
            LogFull: there is none.
        """
        known = self._watch.server
        if known is None or not known.max_bytes:
            return
        async with self._asking:
            if self._monotonic() - self._asked_at > FRESH_SECONDS:
                with suppress(LogUnavailable):  # the append will find out
                    await self._watch.look_async(self._client)
                self._asked_at = self._monotonic()
        server = self._watch.server or known
        full = server.used_bytes >= FULL_SHARE * server.max_bytes > 0
        if full != self._was_full:
            fields = {"action": "room", "used": server.used_bytes, "maxmemory": server.max_bytes}
            _log.log(
                logging.ERROR if full else logging.INFO,
                "Redis is nearly full, new tasks are refused" if full else "there is room again",
                extra=fields,
            )
            self._was_full = full
        if full:
            raise LogFull(f"Redis uses {server.used_bytes} of {server.max_bytes} bytes")
