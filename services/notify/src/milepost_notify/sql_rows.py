"""Owns what both sides of the SQL adapter share: short queries, rows as we know them, errors."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from milepost.cursors import StreamId
from milepost_notify import tables as t
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.store import StoreUnavailable
from milepost_service.outages import reason


def checkpoint_query(partition: Any) -> Select[Any]:
    """How far a partition is; its number, or what stands for it."""
    return select(t.checkpoint).where(t.checkpoint.c.partition == partition)


def as_checkpoint(row: Any) -> Checkpoint | None:
    """What `checkpoint_query` found."""
    if row is None:
        return None
    position, retained = map(StreamId.from_sortable, (row.position, row.retained))
    return Checkpoint(row.partition, row.log_id, row.era, position, retained, row.generation)


def as_dict(row: Any) -> dict[str, Any]:
    """A row as it is folded: without the number of its generation."""
    found = dict(row._mapping)
    found.pop("generation", None)
    return found


@contextmanager
def translated() -> Generator[None]:
    """Turn the driver's errors into ours.

    Raises:
        StoreUnavailable: the database is away, locked or full; a commit may have happened.
    """
    try:
        yield
    except (DBAPIError, PoolTimeout) as err:
        raise StoreUnavailable(f"database: {reason(err)}") from err
    except OSError as err:
        raise StoreUnavailable(f"database: {type(err).__name__}") from err
