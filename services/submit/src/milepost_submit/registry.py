"""Owns what sessions and access tokens are worth: found, and revoked so that everybody hears of it.

Revoking tells first and deletes then: whoever looked one up a moment ago and keeps the answer has
heard of it by the time nobody can look it up any more.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from milepost import tokens
from milepost.callers import Caller
from milepost.errors import InvalidToken
from milepost_log.revocations import RevokedList
from milepost_service.credentials import RegistryUnavailable, Sent
from milepost_service.outages import reason
from milepost_service.revocations import Revocations
from milepost_submit.access_tokens import AccessTokens
from milepost_submit.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Registry:
    """Where sessions and access tokens stand."""

    sessions: Sessions
    access_tokens: AccessTokens
    secrets: tuple[str, ...]
    clock: Callable[[], float]
    revoked: RevokedList
    """What all services hear of."""
    revocations: Revocations
    """What this process has heard of."""

    async def find(self, sent: Sent) -> Caller | None:
        """Whom a session or access token proves; null when it is none that is good.

        Raises:
            RegistryUnavailable: the database does not answer.
        """
        try:
            if sent.form == "cookie":
                return await self._session(sent.text)
            return await self._access_token(sent.text)
        except (DBAPIError, PoolTimeout) as err:
            raise RegistryUnavailable(reason(err)) from err

    def session_of(self, cookie: str) -> Caller | None:
        """Whose session a cookie of ours names, be it good or not; null when we did not sign it."""
        try:
            who = tokens.verify(
                cookie, self.secrets, now=self.clock(), audience=tokens.SESSION_AUDIENCE
            )
        except InvalidToken:
            return None
        return who if who.credential else None

    async def end_sessions(self, *ids: str) -> None:
        """Revoke sessions; may be repeated.

        Raises:
            LogUnavailable: Redis does not answer; nothing is revoked for certain.
        """
        for id in ids:
            await self._tell(id)
        await self.sessions.end(*ids)

    async def revoke_access_token(self, id: str) -> None:
        """Revoke an access token; may be repeated.

        Raises:
            LogUnavailable: Redis does not answer; it is not revoked for certain.
        """
        await self._tell(id)
        await self.access_tokens.delete(id)

    async def aclose(self) -> None:
        """Nothing: others opened what this works with."""

    async def _tell(self, id: str) -> None:
        await self.revoked.add(id)
        self.revocations.note(id)

    async def _session(self, cookie: str) -> Caller | None:
        signed = self.session_of(cookie)
        if signed is None or signed.credential is None:
            return None
        session = await self.sessions.find(signed.credential)
        if session is None or session.owner != signed.owner:
            return None
        return Caller(
            signed.owner, expires_at=session.expires_at, kind="session", credential=session.id
        )

    async def _access_token(self, text: str) -> Caller | None:
        token = await self.access_tokens.find(text)
        if token is None:
            return None
        return Caller(
            token.owner,
            frozenset(token.scopes),
            expires_at=float("inf") if token.expires_at is None else token.expires_at / 1000,
            kind="access-token",
            credential=token.id,
        )
