"""Owns the accounts of people who sign in here: the table and its questions. Hashes nothing."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, SQLModel, col

from milepost.errors import MilepostError
from milepost_service.columns import text_type
from milepost_service.database import Database
from milepost_service.schemas import Schema

SCHEMA = Schema("submit", "milepost_submit")


class UsernameTaken(MilepostError):
    """Another account has a username that people could take for this one."""


class Account(SQLModel, table=True):
    """One account; the owner of its tasks is `local:<username>`."""

    __tablename__ = "submit_account"  # pyright: ignore[reportAssignmentType]  # declared_attr there

    folded: str = Field(sa_type=text_type(), primary_key=True)
    """The username under NFKC and case folding."""
    username: str = Field(sa_type=text_type(), unique=True)
    """As chosen, in NFC."""
    password_hash: str = Field(sa_type=text_type())
    """argon2id, with its parameters and salt."""
    created_at: int = Field(sa_type=BigInteger)
    """Milliseconds since the epoch, this machine's clock."""
    skeleton: str | None = Field(default=None, sa_type=text_type(), index=True, unique=True)
    """What it looks like (UTS #39); null where an older account looks the same."""


@dataclass(frozen=True, slots=True)
class Known:
    """What signing in needs of an account."""

    username: str
    password_hash: str


class Accounts:
    """The accounts in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, folded: str) -> Known | None:
        """The account of a folded username."""
        query = select(col(Account.username), col(Account.password_hash)).where(
            col(Account.folded) == folded
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else Known(row[0], row[1])

    async def is_taken(self, folded: str, skeleton: str) -> bool:
        """Whether somebody has a username that is this one or looks like it."""
        alike = or_(col(Account.folded) == folded, col(Account.skeleton) == skeleton)
        async with self._database.read() as connection:
            found = await connection.execute(select(col(Account.folded)).where(alike).limit(1))
            return found.first() is not None

    async def add(
        self, folded: str, username: str, skeleton: str, password_hash: str, *, now_ms: int
    ) -> None:
        """Make an account.

        Raises:
            UsernameTaken: there is one already; whoever came first has it.
        """
        row = {
            "folded": folded,
            "username": username,
            "skeleton": skeleton,
            "password_hash": password_hash,
            "created_at": now_ms,
        }
        try:
            async with self._database.write() as connection:
                await connection.execute(insert(Account), row)
        except IntegrityError as err:
            raise UsernameTaken(username) from err

    async def change(self, folded: str, before: str, password_hash: str) -> bool:
        """Give an account another password, unless it has another than `before` by now; whether it
        has got it."""
        mine = (col(Account.folded) == folded, col(Account.password_hash) == before)
        step = update(Account).where(*mine).values(password_hash=password_hash)
        async with self._database.write() as connection:
            return (await connection.execute(step)).rowcount == 1
