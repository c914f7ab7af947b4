"""Owns personal access tokens: the table and its questions. Decides not who may have one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex, token_urlsafe
from typing import Any

from sqlalchemy import BigInteger, Row, delete, func, insert, select, update
from sqlmodel import Field, SQLModel, col

from milepost_service.columns import text_type
from milepost_service.credentials import ACCESS_TOKEN_PREFIX
from milepost_service.database import Database

MOST_OF_AN_OWNER = 100
NOTED_MS = 60_000
"""That a token is used is noted at most once a minute."""


class AccessTokenRow(SQLModel, table=True):
    """A token that its owner's scripts use. Deleted when it is revoked."""

    __tablename__ = "submit_access_token"  # pyright: ignore[reportAssignmentType]  # declared_attr

    id: str = Field(sa_type=text_type(), primary_key=True)
    """Random; no secret."""
    digest: str = Field(sa_type=text_type(), unique=True)
    """SHA-256 of the token: 256 random bits need no salt and no slow hash."""
    owner: str = Field(sa_type=text_type(), index=True)
    name: str = Field(sa_type=text_type())
    """As its owner calls it."""
    scopes: str = Field(sa_type=text_type())
    """Separated by spaces."""
    created_at: int = Field(sa_type=BigInteger)
    """Milliseconds since the epoch, this machine's clock; as all of them."""
    expires_at: int | None = Field(default=None, sa_type=BigInteger)
    """Null: not by itself."""
    used_at: int | None = Field(default=None, sa_type=BigInteger)
    """When it was last used, to the minute; null: never."""


class TooManyAccessTokens(Exception):
    """Their owner has as many as anybody may have."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What may be told of a token; not the token itself. Times in milliseconds since the epoch."""

    id: str
    owner: str
    name: str
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int | None
    used_at: int | None


class AccessTokens:
    """The tokens in SQL."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        """Read and write nothing yet; `clock` tells seconds since the epoch."""
        self._database, self._clock = database, clock

    async def add(
        self, owner: str, name: str, scopes: Iterable[str], expires_at: int | None
    ) -> tuple[AccessToken, str]:
        """Make a token: what may be told of it, and itself, which nobody can find out again.

        Raises:
            TooManyAccessTokens: the owner has 100.
        """
        text = ACCESS_TOKEN_PREFIX + token_urlsafe(32)
        made = AccessToken(
            token_hex(8), owner, name, tuple(sorted(scopes)), self._now_ms(), expires_at, None
        )
        row = {
            "id": made.id, "digest": _digest(text), "owner": owner, "name": name,
            "scopes": " ".join(made.scopes), "created_at": made.created_at,
            "expires_at": expires_at,
        }  # fmt: skip
        count = select(func.count()).where(col(AccessTokenRow.owner) == owner)
        async with self._database.write() as connection:
            if (await connection.scalar(count) or 0) >= MOST_OF_AN_OWNER:
                raise TooManyAccessTokens(owner)
            await connection.execute(insert(AccessTokenRow), row)
        return made, text

    async def find(self, text: str) -> AccessToken | None:
        """The token that this is, noting that it is used; null when it is none or has expired."""
        query = select(AccessTokenRow).where(col(AccessTokenRow.digest) == _digest(text))
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        now = self._now_ms()
        if row is None or (row.expires_at is not None and row.expires_at <= now):
            return None
        if row.used_at is None or now - row.used_at >= NOTED_MS:
            used = update(AccessTokenRow).where(col(AccessTokenRow.id) == row.id)
            async with self._database.write() as connection:
                await connection.execute(used.values(used_at=now))
        return _told(row)

    async def of(self, owner: str) -> list[AccessToken]:
        """Every token of an owner, the newest first, expired ones too."""
        query = (
            select(AccessTokenRow)
            .where(col(AccessTokenRow.owner) == owner)
            .order_by(col(AccessTokenRow.created_at).desc(), col(AccessTokenRow.id))
        )
        async with self._database.read() as connection:
            return [_told(row) for row in await connection.execute(query)]

    async def delete(self, id: str) -> None:
        """Delete a token; may be repeated."""
        async with self._database.write() as connection:
            await connection.execute(delete(AccessTokenRow).where(col(AccessTokenRow.id) == id))

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _told(row: Row[Any]) -> AccessToken:
    return AccessToken(
        row.id, row.owner, row.name, tuple(row.scopes.split()),
        row.created_at, row.expires_at, row.used_at,
    )  # fmt: skip
