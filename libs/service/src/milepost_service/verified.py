"""Owns what credentials prove, each found out once in a while: who polls sends the same all day.

Signed tokens prove it by themselves. Sessions and access tokens stand in a registry that somebody
has to be asked for; what it answered is trusted for a minute, and not a second after a revocation
was heard of. Knows no HTTP.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from milepost import tokens
from milepost.callers import LEEWAY_SECONDS, Caller
from milepost.errors import InvalidToken
from milepost_service import foreign_tokens
from milepost_service.credentials import Clock, Registry, RegistryUnavailable, Sent
from milepost_service.public_keys import PublicKeys
from milepost_service.revocations import Revocations

TRUSTED_SECONDS = 60.0
"""So long an answer of the registry counts, and that a foreign key was good."""
STALE_SECONDS = 900.0
"""So long it counts while the registry cannot be asked but revocations are heard of."""
AGAIN_SECONDS = 5.0
"""So long a registry that could not be asked, or said no, is not asked for the same again."""
_MOST = 2000
_MAX_TOKEN_CHARS = 2048
"""Larger tokens are checked each time, so that nobody fills the memory with them."""


@dataclass(frozen=True, slots=True)
class _Known:
    who: Caller
    checked_at: float
    until: float


class Verified:
    """Credentials found good of late; the least recently used are forgotten first."""

    def __init__(
        self,
        secrets: Sequence[str],
        audience: str,
        clock: Clock,
        *,
        keys: PublicKeys | None = None,
        issuer: str | None = None,
        registry: Registry | None = None,
        revocations: Revocations | None = None,
    ) -> None:
        """Know nobody yet.

        Args:
            audience: what `aud` of bearer tokens has to be.
            keys: of those whose tokens count besides our own; null: nobody's do.
            issuer: what `iss` of such tokens has to be; null: anything.
            registry: null: there are neither sessions nor access tokens.
        """
        self._secrets, self._audience, self._clock = secrets, audience, clock
        self._keys, self._issuer = keys, issuer
        self._registry, self._revocations = registry, revocations
        self._good: OrderedDict[Sent, _Known] = OrderedDict()
        self._refused: OrderedDict[Sent, float] = OrderedDict()
        self._asking: dict[Sent, asyncio.Task[Caller | None]] = {}

    def known(self, sent: Sent) -> Caller | None:
        """Whom credentials prove, if that is known already; asks nobody."""
        found, now = self._good.get(sent), self._clock()
        if found is None or now >= found.until or self._is_revoked(found.who):
            return None
        self._good.move_to_end(sent)
        return found.who

    async def caller(self, sent: Sent) -> Caller:
        """Whom credentials prove.

        Raises:
            InvalidToken: nobody.
            KeysUnavailable, RegistryUnavailable: it cannot be found out just now.
        """
        who = self.known(sent)
        if who is not None:
            return who
        now = self._clock()
        if sent.is_access_token:
            who = await self._registered(sent, now)
        elif sent.form == "cookie":
            signed = tokens.verify(
                sent.text, self._secrets, now=now, audience=tokens.SESSION_AUDIENCE
            )
            if signed.credential is None:
                raise InvalidToken("the cookie names no session")
            who = await self._registered(sent, now)
        elif foreign_tokens.algorithm_of(sent.text) == foreign_tokens.SHARED:
            who = tokens.verify(sent.text, self._secrets, now=now, audience=self._audience)
            return self._keep(sent, who, now, float("inf"))
        elif self._keys is None:
            raise InvalidToken("the token is signed with an unknown key")
        else:
            who = await foreign_tokens.verify(
                sent.text, self._keys, now=now, audience=self._audience, issuer=self._issuer
            )
        return self._keep(sent, who, now, TRUSTED_SECONDS)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._keys is not None:
            await self._keys.aclose()
        if self._registry is not None:
            await self._registry.aclose()

    async def _registered(self, sent: Sent, now: float) -> Caller:
        if self._registry is None or self._refused.get(sent, 0) > now:
            raise InvalidToken(_NO_MORE)
        before = self._good.get(sent)
        try:
            who = await self._ask(self._registry, sent)
        except RegistryUnavailable:
            if before is not None and self._is_good_still(before, now):
                self._good[sent] = replace(before, until=now + AGAIN_SECONDS)
                return before.who
            raise
        if who is None or self._is_revoked(who):
            self._good.pop(sent, None)
            if len(sent.text) <= _MAX_TOKEN_CHARS:
                self._refused[sent] = now + AGAIN_SECONDS
                _bound(self._refused)
            raise InvalidToken(_NO_MORE)
        return who

    async def _ask(self, registry: Registry, sent: Sent) -> Caller | None:
        """Ask once for all who want to know."""
        asking = self._asking.get(sent)
        if asking is None:
            asking = self._asking[sent] = asyncio.create_task(registry.find(sent))
            asking.add_done_callback(lambda done: self._asked(sent, done))
        return await asyncio.shield(asking)

    def _asked(self, sent: Sent, done: "asyncio.Task[Caller | None]") -> None:
        self._asking.pop(sent, None)
        if not done.cancelled():
            done.exception()  # heard by those who still wait, if any do

    def _keep(self, sent: Sent, who: Caller, now: float, seconds: float) -> Caller:
        """Take note of good credentials, for `seconds` or until they expire."""
        leeway = 0 if who.credential else LEEWAY_SECONDS
        if len(sent.text) <= _MAX_TOKEN_CHARS:
            until = min(who.expires_at + leeway, now + seconds)
            known = self._good.get(sent)
            if known is None or known.who is not who:
                self._good[sent] = _Known(who, now, until)
            self._good.move_to_end(sent)
            _bound(self._good)
        return who

    def _is_revoked(self, who: Caller) -> bool:
        return self._revocations is not None and who.credential in self._revocations

    def _is_good_still(self, known: _Known, now: float) -> bool:
        return (
            self._revocations is not None
            and self._revocations.is_hearing
            and not self._is_revoked(known.who)
            and now < min(known.who.expires_at, known.checked_at + STALE_SECONDS)
        )


_NO_MORE = "not a session or access token that is good"


def _bound(known: "OrderedDict[Sent, _Known] | OrderedDict[Sent, float]") -> None:
    if len(known) > _MOST:
        known.popitem(last=False)
