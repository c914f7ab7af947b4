"""Owns what a service's tables are called, which revision they are at, and which code they serve.

A package has `migrations/versions/0001_words.py`, `0002_...`: the number is the revision, so that
the newest is known without importing anything. The code that brings revision n is called n here.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from sqlalchemy import Dialect, Table, TextClause, text


@dataclass(frozen=True, slots=True)
class Schema:
    """One service's tables."""

    name: str
    """PostgreSQL: of the schema; everywhere: what names of tables begin with."""
    package: str
    """Brings the revisions."""

    @property
    def version_table(self) -> str:
        """Where the revision is recorded, and the oldest code that it serves."""
        return f"{self.name}_version"

    @property
    def folder(self) -> Path:
        """Where the revisions are."""
        return Path(str(files(self.package))) / "migrations"

    @property
    def newest(self) -> str:
        """The newest revision that this code knows."""
        return max(path.stem[:4] for path in (self.folder / "versions").glob("[0-9]*.py"))

    def qualified(self, table: Table | str, dialect: Dialect) -> str:
        """A table's name in SQL text, which no schema is put into by itself."""
        name = table if isinstance(table, str) else table.name
        return f"{self.name}.{name}" if dialect.name == "postgresql" else name

    def recorded(self, dialect: Dialect) -> TextClause:
        """The query of `Recorded`."""
        table = self.qualified(self.version_table, dialect)
        return text(f"SELECT version_num, oldest_code FROM {table}")

    def misfit(self, found: "Recorded | None") -> str | None:
        """Why this code must not run on that schema, with the remedy; null when it may."""
        if found is None:
            return f"the database has no tables of {self.name} yet: run `./milepost migrate`"
        if found.revision < self.newest:
            return (
                f"the schema of {self.name} is at {found.revision}, this code needs "
                f"{self.newest}: run `./milepost migrate`"
            )
        if self.newest < found.oldest_code:
            return (
                f"the schema of {self.name} is at {found.revision} and serves code from "
                f"{found.oldest_code} on, this is {self.newest}: run a newer Milepost"
            )
        return None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a database says of a schema."""

    revision: str
    oldest_code: str
    """The oldest code that it serves: what older code reads or writes has been taken away."""
