"""The tables hold exactly the rows."""

import pytest
from sqlalchemy import Table

from milepost_notify import tables
from milepost_notify.archive import HistoryRow, ParkedRow
from milepost_notify.rows import InboxRow, NotificationRow, TaskRow


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
