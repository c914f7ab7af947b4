"""Owns why a log does not go on from where the read models are, in words. No I/O.

One fault is called the same by the projector, `milepost adopt` and the doctor.
"""

from typing import Literal

from milepost.cursors import StreamId
from milepost_notify.checkpoints import Checkpoint

Problem = Literal["empty", "another", "trimmed"]
"""The log has no name (Redis is new), is another one, or begins behind the checkpoint."""

REMEDY = "restore it, or go on without what is lost by `./milepost adopt`"


def problem_of(
    at: Checkpoint, log_id: str | None, *, continues: bool, first: StreamId | None
) -> Problem | None:
    """Why a projector stops; null where it goes on, or takes the read models back by itself.

    Args:
        at: how far the read models are.
        log_id: of the log that is there; null when it has none.
        continues: whether it has what lies at the checkpoint.
        first: its oldest entry; null when there is none.
    """
    if log_id is None:
        return "empty"
    if log_id != at.log_id:
        return "another"
    return None if continues or (first is not None and first <= at.position) else "trimmed"


def words(problem: Problem, at: Checkpoint, log_id: str | None) -> str:
    """What is wrong, for operators."""
    match problem:
        case "empty":
            return (
                f"the log is empty, the read models go up to {at.position}: this Redis is new or "
                "has lost its data"
            )
        case "another":
            return (
                f"the log is {log_id}, the read models were made from {at.log_id}: this Redis has "
                "lost its data, or is not the one of this database"
            )
        case "trimmed":
            return (
                f"the log has nothing up to {at.position}, where the read models are: it was "
                "emptied or trimmed by somebody else"
            )
