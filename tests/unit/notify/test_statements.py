"""What projectors ask thousands of times costs what is asked for, not what there is."""

import pytest
from sqlalchemy import Executable, create_engine
from sqlalchemy.dialects import sqlite

from milepost_notify import statements as st
from milepost_notify import tables as t

DIALECT = sqlite.dialect()


@pytest.mark.parametrize(
    "query",
    [st.tasks_by_key(DIALECT), st.unread_by_owner(DIALECT)],
    ids=["tasks by key", "unread by owner"],
)
def test_every_task_is_looked_up_by_its_whole_key(query: Executable):
    engine = create_engine("sqlite://")
    t.METADATA.create_all(engine)
    with engine.connect() as connection:
        values = ("[]", 0)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)
        steps = [row[3] for row in plan]
    engine.dispose()
    (tasks,) = (step for step in steps if " t " in step)
    assert "(generation=? AND owner=? AND id=?)" in tasks
    assert all("position>?" in step for step in steps if " n " in step)
    assert not any("SCAN" in step and "VIRTUAL" not in step for step in steps)
