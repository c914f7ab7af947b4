"""Owns the API's queries as SQLAlchemy expressions. Runs none.

`owner` and ids are compared with `=` alone: no pattern, no prefix.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB

from milepost.task_state import ENDED
from milepost_notify import tables as t
from milepost_notify.store import Filters, Place, Which

_CREATED = t.history.alias("created")
_ENDED = t.history.alias("ended")


def served(partition: int) -> ColumnElement[int]:
    """The generation that is served, as of the snapshot: part of a query, no query more."""
    column = t.checkpoint.c
    return select(column.generation).where(column.partition == partition).scalar_subquery()


def notifications(
    generation: ColumnElement[int],
    owner: str,
    filters: Filters,
    dialect: str,
    *,
    after: Place | None,
    skip_dismissed_until: str | None,
    limit: int,
) -> Select[Any]:
    """Columns of a notification, then those of its task."""
    row, task = t.notification.c, t.task.c
    same = and_(task.generation == row.generation, task.owner == row.owner, task.id == row.task_id)
    query = (
        select(t.notification, t.task)
        .select_from(t.notification)
        .outerjoin(t.task, same)
        .where(row.generation == generation, row.owner == owner, *_filters(filters, dialect))
        .order_by(row.position, row.ordinal)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(row.position, row.ordinal) > tuple_(*after))
    if skip_dismissed_until is not None:
        shown = or_(task.id.is_(None), ~task.dismissed, row.position > skip_dismissed_until)
        query = query.where(shown)
    if filters.tasks_only:
        query = query.where(row.task_id != "")
    return query


def tasks(
    generation: ColumnElement[int],
    owner: str,
    filters: Filters,
    dialect: str,
    which: Which,
    *,
    before: str | None,
    limit: int,
) -> Select[Any]:
    """As `task`, newest first."""
    column = t.task.c
    query = _told(generation, owner).where(*_filters(filters, dialect))
    query = query.order_by(column.created_position.desc()).limit(limit)
    if before is not None:
        query = query.where(column.created_position < before)
    if which == "all":
        return query
    has_ended = column.status.in_(sorted(ENDED))
    return query.where(has_ended if which == "ended" else ~has_ended, ~column.dismissed)


def task(generation: ColumnElement[int], owner: str, task_id: str) -> Select[Any]:
    """Columns of a task, then those of the events that created and ended it."""
    return _told(generation, owner).where(t.task.c.id == task_id)


def events(owner: str, task_id: str, *, start: str, after: str | None, limit: int) -> Select[Any]:
    """Columns of the history."""
    column = t.history.c
    query = (
        select(t.history)
        .where(column.owner == owner, column.task_id == task_id, column.position >= start)
        .order_by(column.position)
        .limit(limit)
    )
    return query if after is None else query.where(column.position > after)


def inbox(generation: ColumnElement[int], owner: str) -> Select[Any]:
    """Columns of an inbox."""
    column = t.inbox.c
    return select(t.inbox).where(column.generation == generation, column.owner == owner)


def _told(generation: ColumnElement[int], owner: str) -> Select[Any]:
    column, created, ended = t.task.c, _CREATED.c, _ENDED.c

    def event(of: Any, position: ColumnElement[Any]) -> ColumnElement[bool]:
        same = (of.owner == column.owner, of.task_id == column.id)
        return and_(*same, of.position == position)

    return (
        select(t.task, _CREATED, _ENDED)
        .select_from(t.task)
        .outerjoin(_CREATED, event(created, column.created_position))
        .outerjoin(_ENDED, event(ended, column.ended_position))
        .where(column.generation == generation, column.owner == owner)
    )


def _filters(filters: Filters, dialect: str) -> list[ColumnElement[bool]]:
    column = t.task.c
    wanted = list[ColumnElement[bool]]()
    if filters.type is not None:
        wanted.append(column.type == filters.type)
    if filters.tasks is not None:
        wanted.append(column.id.in_(sorted(filters.tasks)))
    if filters.tag is not None:
        wanted.append(_has_tag(column.tags, filters.tag, dialect))
    return wanted


def _has_tag(tags: ColumnElement[Any], tag: str, dialect: str) -> ColumnElement[bool]:
    """Whether the JSON array has exactly this element."""
    if dialect == "postgresql":
        return sql_cast(tags, JSONB).has_key(tag)
    each = func.json_each(tags).table_valued("value", name="tag")
    return select(1).select_from(each).where(each.c.value == tag).exists()
