"""Owns the readiness check that this code may run on the tables the database has."""

from sqlalchemy.exc import OperationalError, ProgrammingError

from milepost_service.checks import Check, NotReady
from milepost_service.database import Database
from milepost_service.schemas import Recorded, Schema


def schema_check(database: Database, schema: Schema) -> Check:
    """Make the check; it is to be asked again and again, since others migrate."""

    async def check() -> None:
        found = None
        async with database.read() as connection:
            try:
                row = (await connection.execute(schema.recorded(connection.dialect))).one()
                found = Recorded(row.version_num, row.oldest_code)
            except (OperationalError, ProgrammingError):
                await connection.rollback()  # no such table, as far as the database answers at all
        reason = schema.misfit(found)
        if reason is not None:
            raise NotReady(reason)

    return check
