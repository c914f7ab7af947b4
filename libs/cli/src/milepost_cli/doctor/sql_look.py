"""Owns finding the facts in the database. Reads only; judges nothing."""

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import OperationalError, ProgrammingError

from milepost_cli.doctor.facts import SqlFacts
from milepost_notify import tables as t
from milepost_notify.sql_rows import as_checkpoint, translated
from milepost_service.engines import engine
from milepost_service.schemas import Recorded, Schema
from milepost_submit.accounts import SCHEMA as SUBMIT


def look(database_url: str) -> SqlFacts:
    """Look at everything.

    Raises:
        ConfigurationError: not a URL of ours.
        StoreUnavailable: the database does not answer.
    """
    reader = engine(database_url, "read", t.SCHEMA.name, connections=1)
    try:
        with translated():
            misfits = list[str]()
            for schema in (t.SCHEMA, SUBMIT):
                with reader.connect() as connection:
                    misfits += filter(None, [schema.misfit(_recorded(connection, schema))])
            if misfits:
                return SqlFacts(misfits)
            with reader.connect() as connection:
                found = map(as_checkpoint, connection.execute(select(t.checkpoint)))
                counts = select(t.parked.c.reason, func.count()).group_by(t.parked.c.reason)
                return SqlFacts(
                    [],
                    {each.partition: each for each in found if each is not None},
                    {reason: count for reason, count in connection.execute(counts)},
                )
    finally:
        reader.dispose()


def _recorded(connection: Connection, schema: Schema) -> Recorded | None:
    try:
        row = connection.execute(schema.recorded(connection.dialect)).one_or_none()
    except (OperationalError, ProgrammingError):
        connection.rollback()
        connection.exec_driver_sql("SELECT 1")  # no such table, as far as it answers at all
        return None
    return None if row is None else Recorded(row.version_num, row.oldest_code)
