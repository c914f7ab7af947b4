"""Owns going on with a log that the read models were not made from, once an operator says so.

Rows and history stay. What the lost log had that was not projected is gone; the tasks that lived
are a matter of `milepost reconcile`.
"""

from dataclasses import dataclass
from secrets import token_hex

from milepost.errors import MilepostError
from milepost_log.reader import LogReader
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.lost_log import Problem, problem_of
from milepost_notify.sql import SqlProjectionStore


@dataclass(frozen=True, slots=True)
class Stopped:
    """A partition that cannot go on by itself."""

    at: Checkpoint
    problem: Problem
    log_id: str | None
    """Of the log that is there."""


class Behind(MilepostError):
    """The log that is there has entries before the checkpoint: positions would be mixed up."""


async def look(store: SqlProjectionStore, log: LogReader, partition: int) -> Stopped | None:
    """Why a partition has stopped; null when it goes on, will by itself, or was never begun.

    Raises:
        LogUnavailable, StoreUnavailable: no answer.
    """
    at = await store.checkpoint(partition)
    if at is None:
        return None
    reading = await log.look(at.position, count=1, block_ms=1)
    first = None if reading.continues else await log.first()
    problem = problem_of(at, reading.log_id, continues=reading.continues, first=first)
    return None if problem is None else Stopped(at, problem, reading.log_id)


async def adopt(store: SqlProjectionStore, log: LogReader, stopped: Stopped) -> Checkpoint:
    """Go on with the log that is there; the checkpoint in it, of the next era. Repeatable.

    Raises:
        Behind: it cannot be, since its clock is behind; nothing was changed.
        CheckpointMoved: somebody else was faster.
        LogUnavailable, StoreUnavailable: no answer.
    """
    log_id = stopped.log_id or await log.name(token_hex(16))
    position = stopped.at.position
    if not await log.raise_last_id(position, base=position):
        raise Behind(f"the log has entries up to {position}")
    return await store.adopt(stopped.at, log_id)
