"""Owns the list of what was revoked of late, by which all services hear of it. Judges nothing."""

from typing import cast

from milepost import keys
from milepost_log.scripts import call_async
from milepost_log.servers import AsyncServers

KEEP_SECONDS = 1200
"""Longer than anybody trusts a session or access token he has looked up before: who has heard
nothing for long reads all of it that could concern him."""
_AGAIN_MS = 10_000
"""Looked at again: the clock of a new primary may be behind that of the old one."""


class RevokedList:
    """Ids of revoked sessions and access tokens in Redis, and how far this process has read."""

    def __init__(self, servers: AsyncServers, namespace: str) -> None:
        self._servers = servers
        self._key = keys.revoked(namespace)
        self._seen_ms = 0

    async def add(self, credential: str) -> None:
        """Tell everybody that it was revoked; may be repeated.

        Raises:
            LogUnavailable: Redis does not answer; whether anybody hears of it is unknown.
        """
        await call_async(self._servers, "note", [self._key], [credential, KEEP_SECONDS])

    async def look(self) -> list[str]:
        """Ids that came since the last look, some of them once more.

        Raises:
            LogUnavailable: Redis does not answer.
        """
        since = max(0, self._seen_ms - _AGAIN_MS)
        async with self._servers.at(self._key) as client:
            found = cast(
                list[tuple[bytes, float]],
                await client.zrangebyscore(self._key, since, "+inf", withscores=True),  # pyright: ignore  # untyped
            )
        self._seen_ms = max((int(score) for _, score in found), default=self._seen_ms)
        return [credential.decode() for credential, _ in found]
