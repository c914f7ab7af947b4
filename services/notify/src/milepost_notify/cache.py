"""Owns which rows a projector keeps in memory between batches. Pure: reads nothing itself."""

from collections.abc import Container, Iterable
from typing import Any, NamedTuple

from milepost.events import OF_NO_TASK, InboxRead, TaskCreated
from milepost_notify.archive import Logged, Unread
from milepost_notify.changes import Changes, Known
from milepost_notify.rows import TaskKey

MOST_TASKS = 10_000
MOST_INBOXES = 10_000


class Missing(NamedTuple):
    """Rows that have to be read before entries can be folded."""

    tasks: set[TaskKey]
    inboxes: set[str]
    unread_of: set[str]
    """Owners of whom every unread ended task is wanted."""

    def __bool__(self) -> bool:
        return bool(self.tasks or self.inboxes or self.unread_of)


def missing(known: Known, entries: Iterable[Logged | Unread]) -> Missing:
    """What `entries` need beyond what is known."""
    tasks, inboxes, unread_of = set[TaskKey](), set[str](), set[str]()
    for entry in entries:
        if isinstance(entry, Unread):
            continue
        event = entry.event
        payload = event.payload
        if type(payload) is InboxRead:
            unread_of.add(event.owner)
        elif type(payload) not in OF_NO_TASK:
            tasks.add((event.owner, event.task))
            if type(payload) is TaskCreated and payload.parent:
                tasks.add((event.owner, payload.parent))
        inboxes.add(event.owner)
    # Key by key: to subtract a view of keys goes through all that are known, a thousand a batch.
    return Missing(
        {key for key in tasks if key not in known.tasks},
        {owner for owner in inboxes if owner not in known.inboxes},
        unread_of,
    )


def add(known: Known, loaded: Known) -> None:
    """Take in what was read. What is known already is newer: it may wait to be saved."""
    for key, row in loaded.tasks.items():
        if key not in known.gone:
            known.tasks.setdefault(key, row)
    for owner, row in loaded.inboxes.items():
        known.inboxes.setdefault(owner, row)


def evict(known: Known, saved: Changes, unsaved: Changes | None = None) -> None:
    """Forget rows that are not needed soon, once a batch is saved; never one that waits to be.

    Ended tasks go at once: hardly anything is told of them any more. Beyond the bound go those of
    the batch that wait, then those longest unchanged. A queue is gone through in order: were the
    oldest of it to go first, none would be there when its turn comes.
    """
    tasks, kept = known.tasks, {} if unsaved is None else unsaved.tasks
    for key, row in saved.tasks.items():
        if row["ended_position"] is not None and key not in kept:
            tasks.pop(key, None)
    if len(tasks) > MOST_TASKS:
        for key in reversed(saved.tasks):
            if len(tasks) > MOST_TASKS and key not in kept and saved.tasks[key]["worker"] is None:
                tasks.pop(key, None)
    _forget_oldest(tasks, kept, MOST_TASKS)
    _forget_oldest(known.inboxes, {} if unsaved is None else unsaved.inboxes, MOST_INBOXES)


def _forget_oldest(rows: dict[Any, Any], kept: Container[Any], most: int) -> None:
    while len(rows) > most and (oldest := next(iter(rows))) not in kept:
        del rows[oldest]
