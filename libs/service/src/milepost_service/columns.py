"""Owns how text is stored: it compares and sorts byte for byte on every database."""

from typing import Any

from sqlalchemy import MetaData, String


def text_type() -> Any:
    """Text without a limit. SQLite compares bytes anyway; PostgreSQL as its database is set, where
    some collations order 'a' before 'B' and hold characters for equal that are not."""
    return String().with_variant(String(collation="C"), "postgresql")


def compare_bytewise(metadata: MetaData) -> None:
    """Give every text column of these tables that type."""
    for table in metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, String):
                column.type = text_type()
