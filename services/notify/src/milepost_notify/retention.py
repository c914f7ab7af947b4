"""Owns which ended tasks are kept no longer, and what their leaving changes. No I/O, no clock: time
is the log's, the milliseconds of its positions.

A task goes whole, with its history, once its end is older than is kept, and nothing of a live task
ever goes, however old. Where an id was used again, its earlier task leaves its history alone.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

from milepost.cursors import MAX_ORDINAL, ZERO, StreamId
from milepost_notify.changes import Changes, Gone, Known
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.rows import (
    TASK_PROGRESS,
    UNREAD_MESSAGE_COUNT,
    InboxRow,
    TaskKey,
    TaskRow,
    is_unread,
)

ENDS = ("task.cancelled", "task.failed", "task.succeeded")
ENDS_AT_ONCE = 200
"""At most so many tasks go in one transaction."""
STEP_MS = 60_000
"""So much log time, at most, passes between two looks."""
PATIENCE_MS = 24 * 3600 * 1000
"""So long a rebuild is waited for, in log time: what it folds must not change under it."""


class End(NamedTuple):
    """The end of a task, of which nothing may be left but this."""

    owner: str
    task_id: str
    position: str


@dataclass(frozen=True, slots=True)
class Ends:
    """What ended long enough ago, from where the last look left off."""

    found: list[End]
    """Oldest first."""
    until: StreamId
    """Everything up to here has been looked at."""

    @classmethod
    def of(cls, found: list[End], until: StreamId) -> Self:
        """Take the oldest of all up to `until`, or of one more than are taken at once."""
        if len(found) > ENDS_AT_ONCE:
            found = found[:ENDS_AT_ONCE]
            until = StreamId.from_sortable(found[-1].position)
        return cls(found, until)

    @property
    def keys(self) -> set[TaskKey]:
        """Of all."""
        return {(end.owner, end.task_id) for end in self.found}

    @property
    def owners(self) -> set[str]:
        """Whose they are."""
        return {end.owner for end in self.found}


def horizon(saved: Checkpoint, position: StreamId, keep_ms: int) -> StreamId | None:
    """What ended up to here goes when the log is at `position`; null: there is nothing to look for.

    Only what is saved counts, since that is where ends are looked for.
    """
    until = min(StreamId(max(0, position.ms - keep_ms), 0), saved.position)
    step = min(STEP_MS, keep_ms // 100)
    return until if until != ZERO and until.ms - saved.retained.ms >= step else None


def parents(known: Known, ends: Ends) -> set[TaskKey]:
    """Tasks that lose children: their rows are wanted too."""
    rows = filter(None, map(known.tasks.get, ends.keys))
    return {(row["owner"], row["parent"]) for row in rows if row["parent"]} - known.tasks.keys()


def expire(known: Known, changes: Changes, ends: Ends, position: StreamId, at_ms: int) -> None:
    """Take ended tasks out of `known`, and out of what a batch changes.

    Args:
        known: has the rows of all, of their parents and of their owners' inboxes.
        changes: of the batch in whose transaction it happens, folded.
        ends: what to take out.
        position: of the batch: a changed count of unread tasks has its place behind all of it.
        at_ms: its time.
    """
    changes.retained = ends.until
    unread = dict[str, int]()
    for end in ends.found:
        key = (end.owner, end.task_id)
        row = known.tasks.get(key)
        if key in known.parked:
            continue  # a replay may bring it back to life; afterwards everything is looked at again
        if row is None:
            changes.gone.append(Gone(*key))
        elif row["ended_position"] == end.position:
            _take_out(known, changes, key, row)
            unread[end.owner] = unread.get(end.owner, 0) + is_unread(row)
        elif row["created_position"] > end.position:
            changes.gone.append(Gone(*key, row["created_position"]))
    for owner, less in unread.items():
        _count(known, changes, owner, less, position, at_ms)


def _take_out(known: Known, changes: Changes, key: TaskKey, row: TaskRow) -> None:
    del known.tasks[key]
    known.gone.add(key)
    changes.gone.append(Gone(*key))
    changes.tasks.pop(key, None)
    changes.notifications.pop((key[0], TASK_PROGRESS, key[1]), None)
    parent = known.tasks.get((key[0], row["parent"] or ""))
    if parent is not None and parent["created_position"] < row["created_position"]:
        fewer: TaskRow = {**parent, "children_count": max(0, parent["children_count"] - 1)}
        known.tasks[key[0], fewer["id"]] = changes.tasks[key[0], fewer["id"]] = fewer


def _count(
    known: Known, changes: Changes, owner: str, less: int, position: StreamId, at_ms: int
) -> None:
    inbox = known.inboxes.get(owner)
    if not less or inbox is None:
        return
    place = position.sortable
    after: InboxRow = {**inbox, "unread": inbox["unread"] - less, "position": place}
    known.inboxes[owner] = changes.inboxes[owner] = after
    changes.notifications[owner, UNREAD_MESSAGE_COUNT, ""] = {
        "owner": owner,
        "name": UNREAD_MESSAGE_COUNT,
        "task_id": "",
        "position": place,
        "ordinal": MAX_ORDINAL - 1,
        "timestamp_ms": at_ms,
        "number": after["unread"],
    }
