"""The tables hold exactly the rows, and the migrations make exactly the tables."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Table, create_engine

from milepost_notify import tables
from milepost_notify.archive import HistoryRow, ParkedRow
from milepost_notify.rows import InboxRow, NotificationRow, TaskRow
from milepost_service.migrations import upgrade


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (tables.history, HistoryRow),
        (tables.task, TaskRow),
        (tables.notification, NotificationRow),
        (tables.inbox, InboxRow),
        (tables.parked, ParkedRow),
    ],
    ids=lambda value: value.name if isinstance(value, Table) else "",
)
def test_a_tables_columns_are_the_fields_of_its_rows(table: Table, row: type):
    assert {*table.c.keys()} - {"generation"} == {*row.__annotations__}
    for name, hint in row.__annotations__.items():
        assert bool(table.c[name].nullable) == ("None" in str(hint)), name


def test_the_migrations_make_the_tables(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/notify.db"
    assert upgrade(url, tables.SCHEMA) is True
    assert upgrade(url, tables.SCHEMA) is False
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": "notify_version", "compare_type": True}
        )
        assert compare_metadata(context, tables.METADATA) == []
    engine.dispose()
