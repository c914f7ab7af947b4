"""Owns comparing two generations of rows inside the database. Changes neither."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    and_,
    case,
    func,
    or_,
    select,
)

from milepost_notify.comparison import MOST_EXAMPLES, Compared, Example, Kind
from milepost_notify.sql_folded import GENERATIONAL

Rows = Select[*tuple[Any, ...]]


def compare(
    connection: Connection, served: int, rebuilt: int, *, until: str | None = None,
    since: str | None = None,
) -> list[Compared]:  # fmt: skip
    """Compare every column of every row; tables in a fixed order.

    Args:
        served: number of the generation that people see.
        rebuilt: number of the other.
        until: leave out what has been served anew behind this position, which the rebuild may not
            have seen yet.
        since: look only at what changed behind this position, in either.
    """
    return [
        _compare(connection, _Pair(table, served, rebuilt, until=until, since=since))
        for table in GENERATIONAL
    ]


class _Pair:
    """A table joined with itself: served rows with rebuilt ones of the same key."""

    def __init__(
        self, table: Table, served: int, rebuilt: int, *, until: str | None, since: str | None
    ) -> None:
        self.table = table
        self.old, self.new = table.alias("served"), table.alias("rebuilt")
        self.key = [each.name for each in table.primary_key if each.name != "generation"]
        self.columns = [each.name for each in table.c if each.name not in {*self.key, "generation"}]
        self._served, self._rebuilt = served, rebuilt
        self._until, self._since = until, since

    @property
    def changed(self) -> ColumnElement[bool]:
        """Some column is not the same."""
        pairs = ((self.old.c[name], self.new.c[name]) for name in self.columns)
        return or_(*(old.is_distinct_from(new) for old, new in pairs))

    def from_served(self, *what: Any) -> Rows:
        """Served rows, with their counterparts or nulls."""
        query = _joined(self.old, self.new, self.key, self._served, self._rebuilt, what)
        if self._until is not None:
            query = query.where(self.old.c.position <= self._until)
        return query if self._since is None else query.where(self.old.c.position > self._since)

    def from_rebuilt(self, *what: Any) -> Rows:
        """Rebuilt rows, with their counterparts or nulls; with `since`, those not among
        `from_served` alone."""
        query = _joined(self.new, self.old, self.key, self._rebuilt, self._served, what)
        if self._since is None:
            return query.where(self.old.c.owner.is_(None))
        seen = and_(self.old.c.owner.is_not(None), self.old.c.position > self._since)
        return query.where(self.new.c.position > self._since, ~seen)


def _joined(
    left: FromClause, right: FromClause, key: list[str], generation: int, other: int, what: Any
) -> Rows:
    same = and_(right.c.generation == other, *(left.c[name] == right.c[name] for name in key))
    query = select(*what).select_from(left.outerjoin(right, same))
    return query.where(left.c.generation == generation)


def _compare(connection: Connection, pair: _Pair) -> Compared:
    gone, unserved = pair.new.c.owner.is_(None), pair.old.c.owner.is_(None)
    changed, both = pair.changed, and_(pair.new.c.owner.is_not(None), pair.old.c.owner.is_not(None))
    differs = and_(both, changed)
    rows, missing, different = _counts(
        connection, pair.from_served(func.count(), _sum(gone), _sum(differs))
    )
    extra, also = _counts(connection, pair.from_rebuilt(_sum(unserved), _sum(differs)))
    name = pair.table.name.removeprefix("notify_")
    found = Compared(name, rows, missing, extra, different + also)
    if not found.differs:
        return found
    examples = list[Example]()
    kinds: tuple[tuple[Kind, Any, ColumnElement[bool]], ...] = (
        ("missing", pair.from_served, gone),
        ("different", pair.from_served, differs),
        ("different", pair.from_rebuilt, differs),
        ("extra", pair.from_rebuilt, unserved),
    )
    for kind, rows_of, wanted in kinds:
        query = rows_of(*pair.old.c, *pair.new.c).where(wanted).limit(MOST_EXAMPLES)
        examples += [_example(pair, kind, list(row)) for row in connection.execute(query)]
    return found.plus(Compared(name, 0, examples=examples))


def _example(pair: _Pair, kind: Kind, values: list[Any]) -> Example:
    names = pair.table.c.keys()
    old = dict(zip(names, values[: len(names)], strict=True))
    new = dict(zip(names, values[len(names) :], strict=True))
    key = {name: str(old[name] if kind != "extra" else new[name]) for name in pair.key}
    if kind != "different":
        return Example(kind, key)
    changed = {n: (old[n], new[n]) for n in pair.columns if old[n] != new[n]}
    return Example(kind, key, changed)


def _counts(connection: Connection, query: Rows) -> list[int]:
    return [number or 0 for number in connection.execute(query).one()]


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
