"""Owns which sessions and access tokens were revoked of late, as far as this process has heard.

What was revoked longer ago has no row in SQL any more and is in nobody's memory, so this is short.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from milepost.errors import LogUnavailable

_log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
HEARD_SECONDS = 5.0
"""Who has not heard for so long knows nothing."""
KEEP_SECONDS = 1200.0
"""Longer than anybody trusts a look-up from before (`verified.STALE_SECONDS`): what was forgotten
earlier would be good again for as long as the registry is away."""

Look = Callable[[], Awaitable[list[str]]]
"""Ids of what was revoked since the last look, or of late; raises LogUnavailable."""


class CredentialRevoked(Exception):
    """What a request came with was revoked while it waited."""


class Revocations:
    """Revoked ids, looked for each second; who waits with one of them is told."""

    def __init__(self, look: Look, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._look = look
        self._monotonic = monotonic
        self._revoked: dict[str, float] = {}
        self._watching: defaultdict[str, set[Callable[[], None]]] = defaultdict(set)
        self._heard_at = float("-inf")

    @property
    def is_hearing(self) -> bool:
        """Whether what is not in here has not been revoked, but for the last seconds."""
        return self._monotonic() - self._heard_at < HEARD_SECONDS

    def __contains__(self, credential: str | None) -> bool:
        return credential in self._revoked

    def note(self, credential: str) -> None:
        """It has just been revoked: whoever waits with it here is told at once."""
        now = self._monotonic()
        fresh = credential not in self._revoked
        self._revoked[credential] = now
        if fresh:
            for tell in tuple(self._watching.get(credential, ())):
                tell()

    async def keep_looking(self) -> None:
        """Look until cancelled; for the background."""
        while True:
            try:
                await self.look()
            except LogUnavailable as err:
                _log.debug("no word of revocations", extra={"reason": str(err)})
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Look once.

        Raises:
            LogUnavailable: Redis does not answer.
        """
        for credential in await self._look():
            self.note(credential)
        now = self._heard_at = self._monotonic()
        gone = [each for each, at in self._revoked.items() if now - at > KEEP_SECONDS]
        for credential in gone:
            del self._revoked[credential]

    @asynccontextmanager
    async def while_good(self, credential: str | None) -> AsyncGenerator[None]:
        """Run the block until the credential is revoked; null never is.

        Raises:
            CredentialRevoked: it was; the block was cancelled where it waited.
        """
        if credential is None:
            yield
            return
        waits = asyncio.current_task()
        assert waits is not None
        told = False

        def tell() -> None:
            nonlocal told
            if not told:
                told = True
                waits.cancel()

        if credential in self._revoked:
            raise CredentialRevoked
        self._watching[credential].add(tell)
        try:
            yield
        except asyncio.CancelledError:
            if told and waits.uncancel() == 0:
                raise CredentialRevoked from None
            raise  # somebody else ends this request
        finally:
            told = True
            self._watching[credential].discard(tell)
            if not self._watching[credential]:
                del self._watching[credential]
