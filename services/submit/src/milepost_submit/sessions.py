"""Owns the sessions of people who signed in here: the table and its questions. Sets no cookie."""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex

from sqlalchemy import BigInteger, delete, insert, or_, select, update
from sqlmodel import Field, SQLModel, col

from milepost_service.columns import text_type
from milepost_service.database import Database

MOST_NOTED_SECONDS = 3600
"""That a session is in use is noted at most so often, so that reading does not mean writing."""


class SessionRow(SQLModel, table=True):
    """A signed-in browser. Deleted when it signs out, so that a session without a row is none."""

    __tablename__ = "submit_session"  # pyright: ignore[reportAssignmentType]  # declared_attr there

    id: str = Field(sa_type=text_type(), primary_key=True)
    """Random; no secret: the cookie that names it is signed."""
    owner: str = Field(sa_type=text_type(), index=True)
    created_at: int = Field(sa_type=BigInteger)
    """When it was signed in. Milliseconds since the epoch, this machine's clock; as all of them."""
    seen_at: int = Field(sa_type=BigInteger)
    """When it was last used, give or take."""
    expires_at: int = Field(sa_type=BigInteger, index=True)
    """However much it is used."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is good."""

    id: str
    owner: str
    expires_at: float
    """Seconds since the epoch, if it is not used any more before."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A session as its owner sees it. Milliseconds since the epoch."""

    id: str
    created_at: int
    seen_at: int
    expires_at: int


class Sessions:
    """The sessions in SQL."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        *,
        life_seconds: int,
        idle_seconds: int,
    ) -> None:
        """Read and write nothing yet.

        Args:
            clock: seconds since the epoch.
            life_seconds: how long a session lives at most.
            idle_seconds: how long it lives unused.
        """
        self._database, self._clock = database, clock
        self._life_ms, self._idle_ms = life_seconds * 1000, idle_seconds * 1000
        self._noted_ms = min(MOST_NOTED_SECONDS * 1000, self._idle_ms // 20)

    async def begin(self, owner: str) -> Session:
        """Make a session; those that have ended are forgotten."""
        now = self._now_ms()
        session = Session(token_hex(16), owner, (now + min(self._life_ms, self._idle_ms)) / 1000)
        row = {
            "id": session.id, "owner": owner, "created_at": now, "seen_at": now,
            "expires_at": now + self._life_ms,
        }  # fmt: skip
        ended = or_(
            col(SessionRow.expires_at) <= now, col(SessionRow.seen_at) <= now - self._idle_ms
        )
        async with self._database.write() as connection:
            await connection.execute(delete(SessionRow).where(ended))
            await connection.execute(insert(SessionRow), row)
        return session

    async def find(self, id: str) -> Session | None:
        """A session that is good, noting that it is used; null for all others."""
        query = select(
            col(SessionRow.owner), col(SessionRow.seen_at), col(SessionRow.expires_at)
        ).where(col(SessionRow.id) == id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        now = self._now_ms()
        if row is None or row.expires_at <= now or row.seen_at + self._idle_ms <= now:
            return None
        seen_at = row.seen_at
        if now - seen_at >= self._noted_ms:
            seen_at = now
            async with self._database.write() as connection:
                await connection.execute(
                    update(SessionRow).where(col(SessionRow.id) == id).values(seen_at=now)
                )
        return Session(id, row.owner, min(row.expires_at, seen_at + self._idle_ms) / 1000)

    async def of(self, owner: str) -> list[Listed]:
        """The sessions of an owner that are good, the newest first."""
        now = self._now_ms()
        query = (
            select(
                col(SessionRow.id),
                col(SessionRow.created_at),
                col(SessionRow.seen_at),
                col(SessionRow.expires_at),
            )
            .where(
                col(SessionRow.owner) == owner,
                col(SessionRow.expires_at) > now,
                col(SessionRow.seen_at) > now - self._idle_ms,
            )
            .order_by(col(SessionRow.created_at).desc(), col(SessionRow.id))
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [
            Listed(id, created, seen, min(expires, seen + self._idle_ms))
            for id, created, seen, expires in rows
        ]

    async def ids_of(self, owner: str) -> list[str]:
        """Every session of an owner."""
        query = select(col(SessionRow.id)).where(col(SessionRow.owner) == owner)
        async with self._database.read() as connection:
            return list((await connection.execute(query)).scalars())

    async def end(self, *ids: str) -> None:
        """Delete sessions; may be repeated."""
        async with self._database.write() as connection:
            await connection.execute(delete(SessionRow).where(col(SessionRow.id).in_(ids)))

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
