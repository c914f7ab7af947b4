"""Owns whether a primary has room for new tasks: none from 85 % of its maxmemory. Counts no task.

The rest is for what workers need to end the tasks that are there. Each replica asks by itself.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from milepost.errors import LogFull, LogUnavailable
from milepost_log.server_checks import Watch
from milepost_log.servers import AsyncServers

_log = logging.getLogger(__name__)

FULL_SHARE = 0.85
FRESH_SECONDS = 1.0
BRIEF_SECONDS = 0.25
"""So long a request waits for it."""


class Room:
    """Room for new tasks; asks at most once a second, while there are any, and where there is a
    limit."""

    def __init__(
        self,
        servers: AsyncServers,
        watch: Watch,
        key_of: Callable[[str], str],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask nobody yet; `key_of` gives the key of an owner's log."""
        self._servers = servers
        self._watch = watch
        self._key_of = key_of
        self._monotonic = monotonic
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()
        self._full: set[str] = set()

    async def check(self, owner: str) -> None:
        """Return if there is room where `owner`'s tasks go, as far as is known.

        Raises:
            LogFull: there is none.
        """
        name = self._servers.address_of(self._key_of(owner))
        known = self._watch.servers.get(name)
        if known is None or not known.max_bytes:
            return
        if self._is_stale():
            async with self._asking:
                if self._is_stale():
                    with suppress(LogUnavailable, TimeoutError):  # the append will find out
                        async with asyncio.timeout(BRIEF_SECONDS):
                            await self._watch.look_async(self._servers)
                    self._asked_at = self._monotonic()
        server = self._watch.servers.get(name, known)
        full = server.used_bytes >= FULL_SHARE * server.max_bytes > 0
        if full != (name in self._full):
            fields = {"action": "room", "used": server.used_bytes, "maxmemory": server.max_bytes}
            _log.log(
                logging.ERROR if full else logging.INFO,
                "Redis is nearly full, new tasks are refused" if full else "there is room again",
                extra={**fields, "primary": name},
            )
            self._full ^= {name}
        if full:
            raise LogFull(f"Redis uses {server.used_bytes} of {server.max_bytes} bytes")

    def _is_stale(self) -> bool:
        return self._monotonic() - self._asked_at > FRESH_SECONDS
