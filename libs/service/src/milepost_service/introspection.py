"""Owns asking submit what a session or access token is (as RFC 7662): for services without them."""

from datetime import datetime
from math import inf
from typing import Annotated

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from milepost import tokens
from milepost.callers import Caller, Kind
from milepost.records import rfc3339
from milepost.settings import Settings
from milepost.trace_context import header
from milepost_service.credentials import Clock, Form, RegistryUnavailable, Sent
from milepost_service.strict_model import Body

PATH = "/api/submit/introspection"
ASKER = "milepost-notify"
"""Who asks, as submit is told."""
TIMEOUT_SECONDS = 3.0
_ASKING_SECONDS = 60.0
_AT_ONCE = 20


class CredentialAnswer(BaseModel):
    """What credentials are, as their bearer may know it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    owner: str
    kind: Kind
    """`token`: signed, kept nowhere; `session`: a signed-in browser; `access-token`."""
    id: str | None
    """By which it can be revoked; null for signed tokens."""
    scopes: list[str]
    tasks: list[str] | None
    """The only tasks it may read; null: all of the owner's."""
    expires_at: str | None
    """Null: not by itself. A session's moves on with its use."""


def answer_of(who: Caller) -> CredentialAnswer:
    """What a caller's credentials are."""
    return CredentialAnswer(
        owner=who.owner,
        kind=who.kind,
        id=who.credential,
        scopes=sorted(who.scopes),
        tasks=None if who.tasks is None else sorted(who.tasks),
        expires_at=None if who.expires_at == inf else rfc3339(int(who.expires_at * 1000)),
    )


class IntrospectionRequest(Body):
    """What somebody has shown to a service."""

    form: Form
    """Where it came: as the bearer of `Authorization`, or as the session's cookie."""
    text: Annotated[str, Field(max_length=tokens.MAX_TOKEN_CHARS)]


class IntrospectionAnswer(BaseModel):
    """What it is."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    credential: CredentialAnswer | None
    """Null: not a session or access token that is good."""


class AskedRegistry:
    """The registry behind submit's API, asked in our own name."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Ask nobody yet; `clock` tells seconds since the epoch."""
        self._settings, self._clock = settings, clock
        self._client = httpx.AsyncClient(
            base_url=settings.submit_url,
            timeout=TIMEOUT_SECONDS,
            trust_env=False,  # between our own services no proxy stands by accident
            limits=httpx.Limits(max_connections=_AT_ONCE),
            transport=transport,
        )

    async def find(self, sent: Sent) -> Caller | None:
        """Whom they prove; null when they are none that are good.

        Raises:
            RegistryUnavailable: submit cannot be reached, or says something else.
        """
        settings = self._settings
        ours = tokens.mint(
            ASKER,
            settings.secrets[0],
            now=self._clock(),
            ttl_seconds=_ASKING_SECONDS,
            scopes=["service"],
            audience=settings.jwt_audience,
        )
        body = {"form": sent.form, "text": sent.text}
        headers = {"Authorization": f"Bearer {ours}"} | header()
        try:
            answer = await self._client.post(PATH, json=body, headers=headers)
            answer.raise_for_status()
            found = IntrospectionAnswer.model_validate_json(answer.content).credential
            if found is None:
                return None
            moment = found.expires_at and datetime.fromisoformat(found.expires_at)
            expires_at = moment.timestamp() if moment else inf
        except (httpx.HTTPError, httpx.InvalidURL, ValidationError, ValueError) as err:
            raise RegistryUnavailable(f"submit: {type(err).__name__}") from err
        return Caller(
            owner=found.owner,
            scopes=frozenset(found.scopes),
            tasks=None if found.tasks is None else frozenset(found.tasks),
            expires_at=expires_at,
            kind=found.kind,
            credential=found.id,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()
