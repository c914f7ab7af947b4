"""Owns going on with a log that the read models were not made from, once an operator says so.

Rows and history stay. What the lost log had that was not projected is gone; the tasks that lived
are a matter of `milepost reconcile`.
"""

from dataclasses import dataclass
from secrets import token_hex
from typing import Literal

from milepost.errors import MilepostError
from milepost_log.reader import LogReader
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.sql import SqlProjectionStore

Problem = Literal["empty", "another", "trimmed"]


@dataclass(frozen=True, slots=True)
class Stopped:
    """A partition that cannot go on by itself."""

    at: Checkpoint
    problem: Problem
    """The log has no name (Redis is new), is another one, or begins behind the checkpoint."""
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
    if reading.log_id is None:
        return Stopped(at, "empty", None)
    if reading.log_id != at.log_id:
        return Stopped(at, "another", reading.log_id)
    first = None if reading.continues else await log.first()
    if reading.continues or (first is not None and first <= at.position):
        return None
    return Stopped(at, "trimmed", reading.log_id)


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
