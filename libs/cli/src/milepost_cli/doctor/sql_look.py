"""Owns finding the facts in the database. Reads only; judges nothing."""

from collections.abc import Mapping

from sqlalchemy import Engine, and_, func, or_, select

from milepost_cli import schema
from milepost_cli.doctor.facts import SqlFacts
from milepost_notify import tables as t
from milepost_notify.sql_rows import as_checkpoint, translated
from milepost_notify.store import StoreUnavailable
from milepost_submit.accounts import SCHEMA as SUBMIT


def look(database_url: str, now_ms: int) -> SqlFacts:
    """Look at everything; makes no file.

    Raises:
        ConfigurationError: not a URL of ours; `schema.NoFile`: the file is not there.
        StoreUnavailable: the database does not answer.
    """
    with schema.looking(database_url) as reader:
        if misfits := schema.misfits(reader, (t.SCHEMA, SUBMIT)):
            return SqlFacts(misfits)
        with translated(), reader.connect() as connection:
            found = map(as_checkpoint, connection.execute(select(t.checkpoint)))
            checkpoints = {each.partition: each for each in found if each is not None}
            counts = select(t.parked.c.reason, func.count()).group_by(t.parked.c.reason)
            parked = {reason: count for reason, count in connection.execute(counts)}
        return SqlFacts([], checkpoints, parked, _queued(reader, now_ms))


def _queued(reader: Engine, now_ms: int) -> Mapping[str, int] | None:
    """Ready tasks by type, wherever they wait: in Redis those of an owner's lists have no index."""
    column = t.task.c
    is_due = and_(column.status.in_(("scheduled", "retrying")), column.runs_at <= now_ms)
    query = (
        select(column.type, func.count())
        .where(column.generation.in_(select(t.checkpoint.c.generation)))
        .where(or_(column.status == "queued", is_due))
        .group_by(column.type)
    )
    try:
        with translated(), reader.connect() as connection:
            return {kind: count for kind, count in connection.execute(query)}
    except StoreUnavailable:
        return None  # millions of rows may take longer than a statement has: the rest is known
