"""Owns how projector replicas hear of each other: over Redis' pub/sub. Decides nothing."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from milepost import keys
from milepost.errors import InvalidValue, LogUnavailable
from milepost_log.connection import translated
from milepost_log.servers import AsyncServers
from milepost_notify.replicas import Replicas, Sign
from milepost_notify.turns import Shared

SIGN_SECONDS = 1.0
SETTLE_SECONDS = 0.2
"""After the first sign of ours the others have answered: who is alone begins so much later."""
DEAF_SECONDS = 3.0
"""Who does not even hear his own signs subscribes anew, and takes nobody for silent meanwhile."""
BACKOFF_SECONDS = 0.5
LEAVE_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Gathering:
    """Says that we are there and hears who else is, for as long as it runs."""

    def __init__(
        self, servers: AsyncServers, namespace: str, replicas: Replicas, turns: Shared
    ) -> None:
        self._servers, self._channel = servers, keys.projectors(namespace)
        self._replicas, self._turns = replicas, turns

    async def run(self) -> None:
        """Go on until cancelled; comes back by itself from every outage, and says good-bye."""
        asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._turns.look)
        try:
            while True:
                try:
                    await self._listen()
                except LogUnavailable as err:  # the projectors say so too
                    _log.debug("deaf", extra={"action": "share", "reason": str(err)})
                except Exception:  # without it nobody would ever take over
                    _log.exception("sharing failed", extra={"action": "share"})
                await asyncio.sleep(BACKOFF_SECONDS)
        finally:
            with suppress(LogUnavailable, TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._say(leaving=True)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        client = await self._servers.anywhere()
        pubsub: Any = client.pubsub()  # pyright: ignore[reportUnknownMemberType]  # untyped
        try:
            with translated():
                await pubsub.subscribe(self._channel)
            self._replicas.deaf_until(loop.time())
            said = heard = loop.time() - SIGN_SECONDS
            while loop.time() - heard < DEAF_SECONDS:
                if loop.time() - said >= SIGN_SECONDS:
                    said = loop.time()
                    await self._say()
                with translated():
                    message = await pubsub.get_message(
                        ignore_subscribe_messages=True, timeout=SIGN_SECONDS / 2
                    )
                if message is not None:
                    heard = loop.time()
                    if self._hear(message["data"], heard):
                        said -= SIGN_SECONDS  # somebody new is to know us at once
                    self._replicas.forget_silent(heard)
                    self._turns.look()
        finally:
            with translated():
                await pubsub.aclose()

    def _hear(self, raw: bytes, now: float) -> bool:
        try:
            return self._replicas.hear(Sign.decode(raw), now)
        except InvalidValue as err:
            _log.warning("not a sign", extra={"action": "share", "reason": str(err)})
            return False

    async def _say(self, *, leaving: bool = False) -> None:
        sign = Sign(self._replicas.name, leaving)
        with translated():
            client = await self._servers.anywhere()
            await client.publish(self._channel, sign.encode())  # pyright: ignore  # untyped
