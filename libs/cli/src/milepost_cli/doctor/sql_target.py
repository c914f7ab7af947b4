"""Owns asking a PostgreSQL what it is, and what stands before it. Changes nothing."""

import socket
import time
from statistics import median

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from milepost_cli.doctor.target_facts import Pooling, SqlTarget
from milepost_notify.sql_rows import translated
from milepost_notify.store import StoreUnavailable
from milepost_notify.tables import SCHEMA as NOTIFY
from milepost_service.engines import engine
from milepost_submit.accounts import SCHEMA as SUBMIT

_ROUNDS = 20
_FACTS = text(
    """
    SELECT current_setting('server_version_num')::int AS version,
        pg_encoding_to_char(encoding) AS encoding,
        current_setting('fsync')::bool AS fsync,
        current_setting('synchronous_commit') AS synchronous_commit,
        pg_is_in_recovery() AS is_replica,
        current_setting('max_connections')::int
            - current_setting('superuser_reserved_connections')::int AS connections,
        has_database_privilege(current_database(), 'CREATE') AS may_create
    FROM pg_database WHERE datname = current_database()
    """
)
_SCHEMAS = text(
    "SELECT nspname, has_schema_privilege(oid, 'USAGE') FROM pg_namespace"
    " WHERE nspname = ANY(:names)"
)
_PROCESS = text("SELECT pg_backend_pid(), inet_client_port()")


def look(database_url: str) -> SqlTarget:
    """Ask it.

    Raises:
        ConfigurationError: not a URL of ours.
        StoreUnavailable: it does not answer.
    """
    reader = engine(database_url, "look", None, connections=2)
    try:
        with translated(), reader.connect() as one:
            facts = one.execute(_FACTS).mappings().one()
            names = [NOTIFY.name, SUBMIT.name]
            schemas = {name: may for name, may in one.execute(_SCHEMAS, {"names": names})}
            answer_ms = _answer_ms(one)
            one.commit()
            try:
                with reader.connect() as other:
                    pooling = _pooling(one, other)
            except (DBAPIError, NoConnection):
                pooling = "unknown"
        return SqlTarget(**facts, schemas=schemas, pooling=pooling, answer_ms=answer_ms)
    except StoreUnavailable as err:
        if "statement pooling" in str(err.__cause__):
            return _unusable()
        raise
    finally:
        reader.dispose()


def _pooling(one: Connection, other: Connection) -> Pooling:
    """What stands between: who is given another process for his next transaction shares them.

    While the second holds the process that the first has had, the first gets another one.
    """
    mine, port = one.execute(_PROCESS).one()
    one.commit()
    other.execute(_PROCESS)
    again, _ = one.execute(_PROCESS).one()
    one.commit()
    other.commit()
    if again != mine:
        return "transaction"
    return "none" if port == _own_port(one) else "session"


def _own_port(connection: Connection) -> int | None:
    """At our end of the connection: the server sees another one where something stands between."""
    driver = connection.connection.driver_connection
    assert driver is not None
    with socket.socket(fileno=driver.fileno()) as sock:
        try:
            return sock.getsockname()[1] if sock.family != socket.AF_UNIX else None
        finally:
            sock.detach()


def _answer_ms(connection: Connection) -> float:
    times: list[float] = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        connection.execute(text("SELECT 1"))
        times.append(time.perf_counter() - began)
    return median(times) * 1000


def _unusable() -> SqlTarget:
    return SqlTarget(0, "", True, "on", False, 0, False, {}, "statement", 0.0)
