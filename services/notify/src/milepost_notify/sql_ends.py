"""Owns counting in SQL which attempts ended lately, out of a bounded part of each partition."""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, func, select

from milepost.cursors import StreamId
from milepost_notify import tables as t
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.ends import ENDS, MINUTE_MS, EndCount, Ended

EVENTS_AT_MOST = 5000
"""So many of the newest events of each partition are looked at."""


def count_ends(connection: Connection, served: Sequence[Checkpoint], since_ms: int) -> Ended:
    """Count what ended since then, or since as far back as could be looked in every partition."""
    for at in served:
        since_ms = max(since_ms, _reach(connection, at.partition, since_ms))
    found = list[EndCount]()
    for at in served:
        found += _counts(connection, at, since_ms)
    return Ended(found, since_ms)


def _reach(connection: Connection, partition: int, since_ms: int) -> int:
    """The time of the oldest event that is looked at where there are too many."""
    event = t.history.c
    beyond = connection.execute(
        select(event.position)
        .where(event.partition == partition, event.position >= _position(since_ms))
        .order_by(event.position.desc())
        .offset(EVENTS_AT_MOST)
        .limit(1)
    ).scalar_one_or_none()
    # The rest of that millisecond may be cut off.
    return since_ms if beyond is None else StreamId.from_sortable(beyond).ms + 1


def _counts(connection: Connection, at: Checkpoint, since_ms: int) -> list[EndCount]:
    event, task = t.history.c, t.task.c
    minute = event.at_ms // MINUTE_MS
    same = and_(
        task.generation == at.generation, task.owner == event.owner, task.id == event.task_id
    )
    columns = (task.type, task.queue, event.type, minute)
    query = (
        select(*columns, func.count())
        .select_from(t.history.join(t.task, same))
        .where(event.partition == at.partition, event.position >= _position(since_ms))
        .where(event.type.in_(list(ENDS)))
        .group_by(*columns)
    )
    return [EndCount(*row) for row in connection.execute(query)]


def _position(ms: int) -> str:
    return StreamId(ms, 0).sortable
