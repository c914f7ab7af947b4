"""Owns connections to PostgreSQL: what they are told, how long they wait. Knows no table.

Everything here holds behind PgBouncer in transaction mode: no prepared statements, nothing set for
longer than a transaction, no start-up parameter that it does not know.
"""

import asyncio
import select
from collections.abc import Collection
from typing import Any, TypeVar, cast

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

Found = TypeVar("Found")

ANSWER_SECONDS = 5.0
"""A statement without an answer for so long has failed, and its connection with it. TCP notices
hosts that are gone, but no server or pooler that stands still."""
_INTERVAL_SECONDS = 0.1

_CONNECT: dict[str, Any] = {
    "prepare_threshold": None,
    "client_encoding": "utf8",
    "application_name": "milepost",
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}


class Bounded(psycopg.Connection[Any]):
    """A blocking connection which gives up where no answer comes; whether the statement, or a
    COMMIT, was done is unknown then."""

    answer_seconds: float | None = ANSWER_SECONDS

    def wait(
        self, gen: PQGen[Found], interval: float = _INTERVAL_SECONDS, timeout: float | None = None
    ) -> Found:
        """Wait for an answer.

        Raises:
            OperationalError: it does not come; the connection is closed.
        """
        try:
            return super().wait(gen, interval, timeout or self.answer_seconds)
        except psycopg.OperationalError as err:
            _close_if_waiting(self.pgconn, err)
            raise


class AsyncBounded(psycopg.AsyncConnection[Any]):
    """The same, not blocking."""

    answer_seconds: float | None = ANSWER_SECONDS

    async def wait(
        self, gen: PQGen[Found], interval: float = _INTERVAL_SECONDS, timeout: float | None = None
    ) -> Found:
        """Wait for an answer; who is cancelled does not, and leaves no connection behind (psycopg
        would ask the server to cancel, for up to 10 s if that stands still).

        Raises:
            OperationalError: it does not come; the connection is closed.
        """
        seconds = timeout or self.answer_seconds
        try:
            return await waiting.wait_async(gen, self.pgconn.socket, interval, seconds)
        except psycopg.OperationalError as err:
            _close_if_waiting(self.pgconn, err)
            raise
        except asyncio.CancelledError:
            self.pgconn.finish()
            raise


def _close_if_waiting(pgconn: Any, err: psycopg.OperationalError) -> None:
    """After a refusal by the server the connection is of use, while an answer is due it is not."""
    if pgconn.transaction_status == TransactionStatus.ACTIVE:
        pgconn.finish()
        raise psycopg.OperationalError("no answer in time") from err


def connect_arguments(query: Collection[str], *, asynchronous: bool) -> dict[str, Any]:
    """What libpq and psycopg are told, but for what stands in the `query` of the URL."""
    told = {name: value for name, value in _CONNECT.items() if name not in query}
    return {**told, "async_creator_fn": AsyncBounded.connect} if asynchronous else told


def prepare(engine: Engine, *, asynchronous: bool, patient: bool) -> None:
    """Open connections of ours; take none from the pool that the server has closed meanwhile.

    Args:
        patient: statements may take as long as they do, while the host can be reached.
    """

    def connect(_: object, __: object, arguments: Any, options: dict[str, Any]) -> Any:
        connection = Bounded.connect(*arguments, **options)
        if patient:
            connection.answer_seconds = None
        return connection

    def still_there(connection: Any, _: object, __: object) -> None:
        driver = cast(psycopg.Connection[Any], getattr(connection, "driver_connection", connection))
        # Nobody has asked anything: what has come is a farewell.
        if driver.closed or _readable(driver.fileno()):
            raise DisconnectionError("the server has closed the connection")

    if not asynchronous:
        event.listen(engine, "do_connect", connect)
    event.listen(engine, "checkout", still_there)


def _readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
