"""Owns the API's queries as SQLAlchemy expressions. Runs none.

Each is made once for every set of values that are `given` to it by name, and kept: making one takes
longer than running it. `owner` and ids are compared with `=` alone: no pattern, no prefix.
"""

from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB

from milepost.task_state import ENDED
from milepost_notify import tables as t
from milepost_notify.store import Which

Given = frozenset[str]
"""Which of these the query is narrowed by: `tag`, `type`, `tasks`, `before`, `after`, `ordinal`,
`skip_dismissed_until`. Always given: `partition`, `owner`, and `limit` or `task_id` where named."""

_CREATED = t.history.alias("created")
_ENDED = t.history.alias("ended")


def served(partition: Any) -> ColumnElement[int]:
    """The generation that is served, as of the snapshot: part of a query, no query more."""
    column = t.checkpoint.c
    return select(column.generation).where(column.partition == partition).scalar_subquery()


@cache
def notifications(dialect: str, given: Given) -> Select[Any]:
    """Columns of a notification, then those of its task; behind (`after`, `ordinal`)."""
    row, task = t.notification.c, t.task.c
    same = and_(task.generation == row.generation, task.owner == row.owner, task.id == row.task_id)
    query = (
        select(t.notification, t.task)
        .select_from(t.notification)
        .outerjoin(t.task, same)
        .where(*_of_owner(row), *_filters(dialect, given))
        .order_by(row.position, row.ordinal)
        .limit(bindparam("limit"))
    )
    if "after" in given:
        behind = tuple_(bindparam("after", type_=String), bindparam("ordinal", type_=Integer))
        query = query.where(tuple_(row.position, row.ordinal) > behind)
    if "skip_dismissed_until" in given:
        new = row.position > bindparam("skip_dismissed_until")
        query = query.where(or_(task.id.is_(None), ~task.dismissed, new))
    if given & {"tag", "tasks"}:
        query = query.where(row.task_id != "")
    return query


@cache
def tasks(dialect: str, given: Given, which: Which) -> Select[Any]:
    """As `task`, newest first."""
    column = t.task.c
    query = _told().where(*_filters(dialect, given))
    query = query.order_by(column.created_position.desc()).limit(bindparam("limit"))
    if "before" in given:
        query = query.where(column.created_position < bindparam("before"))
    if which == "all":
        return query
    if which == "dismissed":
        return query.where(column.dismissed)
    has_ended = column.status.in_(sorted(ENDED))
    return query.where(has_ended if which == "ended" else ~has_ended, ~column.dismissed)


@cache
def task_count(dialect: str, given: Given) -> Select[Any]:
    """A number: of those created before `before`."""
    column = t.task.c
    return select(func.count()).where(
        *_of_owner(column),
        *_filters(dialect, given),
        column.created_position < bindparam("before"),
    )


@cache
def task() -> Select[Any]:
    """Columns of a task, then those of the events that created and ended it."""
    return _told().where(t.task.c.id == bindparam("task_id"))


@cache
def events(given: Given) -> Select[Any]:
    """Columns of the history, from `start` on."""
    column = t.history.c
    query = (
        select(t.history)
        .where(column.owner == bindparam("owner"), column.task_id == bindparam("task_id"))
        .where(column.position >= bindparam("start"))
        .order_by(column.position)
        .limit(bindparam("limit"))
    )
    return query.where(column.position > bindparam("after")) if "after" in given else query


@cache
def inbox() -> Select[Any]:
    """Columns of an inbox."""
    return select(t.inbox).where(*_of_owner(t.inbox.c))


def _of_owner(column: Any) -> tuple[ColumnElement[bool], ...]:
    generation = served(bindparam("partition"))
    return column.generation == generation, column.owner == bindparam("owner")


def _told() -> Select[Any]:
    column, created, ended = t.task.c, _CREATED.c, _ENDED.c

    def event(of: Any, position: ColumnElement[Any]) -> ColumnElement[bool]:
        same = (of.owner == column.owner, of.task_id == column.id)
        return and_(*same, of.position == position)

    return (
        select(t.task, _CREATED, _ENDED)
        .select_from(t.task)
        .outerjoin(_CREATED, event(created, column.created_position))
        .outerjoin(_ENDED, event(ended, column.ended_position))
        .where(*_of_owner(column))
    )


def _filters(dialect: str, given: Given) -> list[ColumnElement[bool]]:
    column = t.task.c
    wanted = list[ColumnElement[bool]]()
    if "type" in given:
        wanted.append(column.type == bindparam("type"))
    if "tasks" in given:
        wanted.append(column.id.in_(bindparam("tasks", expanding=True)))
    if "tag" in given:
        wanted.append(_has_tag(column.tags, dialect))
    return wanted


def _has_tag(tags: ColumnElement[Any], dialect: str) -> ColumnElement[bool]:
    """Whether the JSON array has exactly this element."""
    tag = bindparam("tag", type_=String)
    if dialect == "postgresql":
        return sql_cast(tags, JSONB).has_key(tag)
    each = func.json_each(tags).table_valued("value", name="tag")
    return select(1).select_from(each).where(each.c.value == tag).exists()
