"""Owns the order of a rebuild: fold, compare, switch, remove what is old. Writes no SQL."""

from collections.abc import Callable
from dataclasses import dataclass

from milepost_notify.checkpoints import Checkpoint
from milepost_notify.comparison import Compared
from milepost_notify.sql_rebuild import HistoryChanged, SqlRebuild

Tell = Callable[[str, int, int], None]
"""Told what is being done ("folding", "comparing", "removing"), how much of it, and of how much; 0
where that is not known."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of it."""

    at: Checkpoint
    """Where both generations were compared."""
    events: int
    """History rows of the partition."""
    tables: list[Compared]

    @property
    def differs(self) -> bool:
        """Whether anything is not as it was."""
        return any(each.differs for each in self.tables)


def rebuild(sql: SqlRebuild, *, serve: bool, tell: Tell) -> Rebuilt | None:
    """Make a partition's rows again from its history and serve them; null when it has none.

    Killed at any moment, it leaves what is served as it was, or is done; called again it goes on.

    Args:
        serve: whether to serve them; if not, they are compared and removed.

    Raises:
        RebuildMoved: another rebuild works on it.
        NewerEvent: a later version of this code has written to the history.
        StoreUnavailable: the database does not answer.
    """
    while True:
        try:
            rebuilt = _made(sql, serve=serve, tell=tell)
        except HistoryChanged:
            continue  # from the beginning
        removed = 0
        while sql.sweep():
            removed += 1
            tell("removing", removed, 0)
        return rebuilt


def _made(sql: SqlRebuild, *, serve: bool, tell: Tell) -> Rebuilt | None:
    building = sql.begin()
    if building is None:
        return None
    done, total = sql.sizes(building)
    tell("folding", done, total)
    more = 1
    while more:
        building, more = sql.step(building)
        done += more
        tell("folding", done, max(done, total))
    tell("comparing", 0, 0)
    compared, tables = building.position, sql.compare(building)
    while (switched := sql.switch(building, compared, serve=serve)) is None:
        building, more = sql.step(building)
        done += more
    at, later = switched
    if later:
        tables = [one.plus(other) for one, other in zip(tables, later, strict=True)]
    return Rebuilt(at, done, tables)
