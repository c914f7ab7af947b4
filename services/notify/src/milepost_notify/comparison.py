"""Owns what comes of comparing a rebuilt generation with the one that is served. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

MOST_EXAMPLES = 5

Kind = Literal["missing", "extra", "different"]


@dataclass(frozen=True, slots=True)
class Example:
    """One row that is not the same in both."""

    kind: Kind
    key: Mapping[str, str]
    columns: Mapping[str, tuple[Any, Any]] = field(default_factory=dict[str, tuple[Any, Any]])
    """Column -> as served, as rebuilt; empty where one of them has no such row."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One table, or a part of it."""

    table: str
    rows: int
    """Served rows that were looked at."""
    missing: int = 0
    """Served, but not rebuilt."""
    extra: int = 0
    """Rebuilt, but not served."""
    different: int = 0
    examples: Sequence[Example] = ()

    @property
    def differs(self) -> bool:
        """Whether anything is not the same."""
        return bool(self.missing or self.extra or self.different)

    def plus(self, other: "Compared") -> "Compared":
        """Both parts of a table as one."""
        return Compared(
            self.table,
            self.rows + other.rows,
            self.missing + other.missing,
            self.extra + other.extra,
            self.different + other.different,
            [*self.examples, *other.examples][:MOST_EXAMPLES],
        )
