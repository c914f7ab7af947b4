"""Owns announcements over Redis' pub/sub: sending them, and hearing them for the hub."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from milepost import keys
from milepost.errors import InvalidValue, LogUnavailable
from milepost.keys import PartitionKeys
from milepost_log.connection import translated
from milepost_log.servers import AsyncServers
from milepost_notify.hub import Hub
from milepost_notify.wakeups import WakeUp

TICK_SECONDS = 0.5
DEAF_SECONDS = 5.0
"""A subscription that hears nothing at all for so long is made anew."""
BACKOFF_SECONDS = 0.5

_log = logging.getLogger(__name__)


async def announce(servers: AsyncServers, namespace: str, partition: int, told: WakeUp) -> None:
    """Tell every hub, by the partition's own primary: so announcements arrive in their order.

    Raises:
        LogUnavailable: Redis does not answer; hubs find out by the next one.
    """
    async with servers.at(PartitionKeys(namespace, partition).log) as client:
        await client.publish(keys.wakeups(namespace, partition), told.encode())  # pyright: ignore  # untyped


class Listener:
    """Hears the announcements of some partitions for as long as it runs."""

    def __init__(
        self, servers: AsyncServers, namespace: str, partitions: Sequence[int], hub: Hub
    ) -> None:
        self._servers = servers
        self._channels = {keys.wakeups(namespace, number).encode(): number for number in partitions}
        self._hub = hub

    async def run(self) -> None:
        """Listen until cancelled; comes back by itself from every outage."""
        warned = False
        while True:
            try:
                await self._listen()
            except (LogUnavailable, TimeoutError) as err:
                if isinstance(err, LogUnavailable) and not warned:
                    _log.warning("hub waits", extra={"action": "listen", "reason": str(err)})
                warned = isinstance(err, LogUnavailable)
            except Exception:  # the loop has to go on: without it everybody asks the database
                _log.exception("hub failed", extra={"action": "listen"})
            self._hub.tick()
            await asyncio.sleep(BACKOFF_SECONDS)

    async def _listen(self) -> None:
        client = await self._servers.anywhere()
        pubsub: Any = client.pubsub()  # pyright: ignore[reportUnknownMemberType]  # untyped
        try:
            with translated():
                await pubsub.subscribe(*self._channels)
            self._hub.interrupted()
            async with asyncio.timeout(DEAF_SECONDS) as deaf:
                while True:
                    with translated():
                        message = await pubsub.get_message(
                            ignore_subscribe_messages=True, timeout=TICK_SECONDS
                        )
                    self._hub.tick()
                    if message is not None:
                        deaf.reschedule(asyncio.get_running_loop().time() + DEAF_SECONDS)
                        self._hear(message)
        finally:
            with translated():
                await pubsub.aclose()

    def _hear(self, message: dict[str, Any]) -> None:
        partition = self._channels.get(message["channel"])
        if partition is None or message["type"] != "message":
            return
        try:
            self._hub.hear(partition, WakeUp.decode(message["data"]))
        except InvalidValue as err:
            _log.warning("not an announcement", extra={"action": "listen", "reason": str(err)})
