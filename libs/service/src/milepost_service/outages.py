"""Owns which errors of the database are outages, and what of any of them may be said. Catches none.

The words of PostgreSQL may hold people's data (`Key (owner, id)=(...)`), and SQLAlchemy's hold
whole statements: neither goes into a log.
"""

from typing import Any

from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

_NOT_MIGRATED = {"3F000", "42P01", "42703", "42501"}
"""No such schema, table or column, or no right to it: somebody has to migrate."""


def is_outage(err: DBAPIError | PoolTimeout) -> bool:
    """Whether the same statement may succeed once somebody has seen to the database; otherwise it
    is a mistake of ours."""
    if isinstance(err, ProgrammingError):
        return _state(err) in _NOT_MIGRATED
    return isinstance(err, OperationalError | InterfaceError | InternalError | PoolTimeout)


def reason(err: DBAPIError | PoolTimeout) -> str:
    """What went wrong, in a few words without anybody's data or password."""
    if isinstance(err, PoolTimeout):
        return "no connection is free"
    name = type(err.orig).__name__
    if (state := _state(err)) is not None:
        return f"{name} {state}"
    if isinstance(err, OperationalError | InterfaceError):
        line = str(err.orig).strip().partition("\n")[0]
        return f"{name}: {line}"[:200]
    return name


def _state(err: DBAPIError) -> str | None:
    orig: Any = err.orig
    return getattr(orig, "sqlstate", None)
