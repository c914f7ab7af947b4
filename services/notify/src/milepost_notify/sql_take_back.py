"""Owns taking read models back to a position, within a transaction of another."""

from sqlalchemy import Connection, delete, select, union

from milepost_notify import tables as t
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.sql_folded import FoldedRows
from milepost_notify.sql_refold import refold_owners


def take_back(connection: Connection, folded: FoldedRows, after: Checkpoint) -> None:
    """Forget what is behind the new checkpoint, and make the rows of its owners again.

    Only theirs have changed: all that is about one owner comes from that owner's events.
    """
    behind = [
        (table, (table.c.partition == after.partition, table.c.position > after.position.sortable))
        for table in (t.history, t.parked)
    ]
    touched = union(*(select(table.c.owner).where(*lost) for table, lost in behind))
    owners = list(connection.scalars(touched))
    for table, lost in behind:
        connection.execute(delete(table).where(*lost))
    refold_owners(connection, folded, after.generation, owners)
