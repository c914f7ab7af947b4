"""Owns going on with a log that has lost its tail: a failover, a restored backup. Decides no row.

First the log's last id is raised, so that no id ever shown is given again; then the read models are
taken back, in one transaction, to what the log still says; then the projector goes on from there.
"""

from milepost.cursors import StreamId
from milepost_log.reader import LogReader
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.lost_tail import before, still_there
from milepost_notify.store import ProjectionStore

ROWS_A_LOOK = 1000


async def recover(
    store: ProjectionStore, log: LogReader, partition: int, saved: Checkpoint
) -> Checkpoint | None:
    """Take the read models back; the new checkpoint, null when the log begins behind `saved`.

    It is the same log, which has not the entry of `saved`. What is older than its first entry was
    trimmed, not lost.

    Raises:
        CheckpointMoved: another projector was faster.
        LogUnavailable, StoreUnavailable: no answer; to be called again.
    """
    first = await log.first()
    if first is None or first > saved.position:
        return None
    await log.raise_last_id(saved.position)
    position = await _common(store, log, partition, first, saved)
    if position < first:
        await log.raise_last_id(saved.position, base=position)
    return await store.take_back(saved, position)


async def _common(
    store: ProjectionStore, log: LogReader, partition: int, first: StreamId, saved: Checkpoint
) -> StreamId:
    """The last entry that log and history both have; just before the log's first, if none is.

    It searches backwards, from look to look, until something is older than all that is lost.
    """
    until = saved.position.sortable
    while True:
        rows = [
            row
            for row in await store.newest(partition, until, ROWS_A_LOOK)
            if row["position"] >= first.sortable
        ]
        if not rows:
            return before(first)
        positions = [StreamId.from_sortable(row["position"]) for row in rows]
        there = still_there(rows, await log.entries(positions))
        lost = [at for at, is_there in enumerate(there) if not is_there]
        common = positions[lost[-1] + 1 :] if lost else positions
        if common:
            return common[0]
        until = before(positions[-1]).sortable
