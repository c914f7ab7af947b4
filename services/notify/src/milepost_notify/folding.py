"""Owns folding log entries into the rows they change, event by event. No I/O, no clock.

However the entries are cut into batches, the rows come out the same. An entry that comes late, in a
replay, when later ones of other tasks have been folded, does what it would have done in its turn:
places never go backwards, an end that has been read since counts as read.
"""

from collections.abc import Iterable

from milepost.cursors import MAX_ORDINAL, StreamId
from milepost.errors import InvalidCursor
from milepost.events import (
    OF_NO_TASK,
    Event,
    InboxRead,
    TaskCreated,
    TaskDismissed,
    TaskProgressed,
)
from milepost_notify.archive import (
    Logged,
    Unread,
    history_row,
    parked_row,
)
from milepost_notify.changes import Changes, Known
from milepost_notify.projection import Unprojectable, project
from milepost_notify.rows import (
    START,
    TASK_PROGRESS,
    UNREAD_MESSAGE_COUNT,
    InboxRow,
    TaskKey,
    TaskRow,
    is_unread,
)
from milepost_notify.thinning import stride

BEHIND = "behind an event of the same task that is parked"


def fold(known: Known, entries: Iterable[Logged | Unread], *, to_history: bool = True) -> Changes:
    """Fold entries, oldest first; `known` is brought up to date in place.

    Args:
        to_history: whether the changes are to have a history row of each; not, where the entries
            come from there.
    """
    changes = Changes()
    for entry in entries:
        if isinstance(entry, Unread):
            _park(known, changes, entry, (entry.owner, entry.task), entry.reason)
            continue
        event = entry.event
        key = (event.owner, event.task)
        if key in known.parked:
            changes.parked.append(parked_row(entry, BEHIND))
            continue
        try:
            payload = event.payload
            if type(payload) is InboxRead:
                _read(known, changes, event, payload)
                n = None
            elif type(payload) in OF_NO_TASK:
                n = None  # it stands in the history alone
            else:
                n = _task_event(known, changes, entry, key)
        except Unprojectable as err:
            if type(event.payload) is TaskDismissed:
                continue  # of a task that is kept no longer: there is nothing left to close
            _park(known, changes, entry, key, str(err))
            continue
        if to_history:
            changes.history.append(history_row(entry, n))
    if changes.thinned:
        _drop_thinned(changes)
    return changes


def _park(
    known: Known, changes: Changes, entry: Logged | Unread, key: TaskKey, reason: str
) -> None:
    known.parked.add(key)
    changes.parked.append(parked_row(entry, reason))


def _task_event(known: Known, changes: Changes, entry: Logged, key: TaskKey) -> int | None:
    """Fold one event of a task; its number, if it is a progress event that told something."""
    event = entry.event
    before = known.tasks.get(key)
    counted: TaskRow | None = before
    if before is not None and entry.n is not None:  # those between are no longer there
        counted = {**before, "progress_count": entry.n - 1}
    after = project(counted, event)
    if after is not counted:
        ended = after["ended_position"]
        if ended is not None and ended == event.id.sortable:
            after["read"] = _inbox(known, event.owner)["read_until"] >= ended
        _change(known, changes, event, after, 1)
        ordinal = 2
        payload = event.payload
        if type(payload) is TaskCreated:
            after["children_count"] += known.children.pop(key, 0)
        if type(payload) is TaskCreated and payload.parent:
            parent = known.tasks.get((event.owner, payload.parent))
            if parent is not None and parent["created_position"] < event.id.sortable:
                count = parent["children_count"] + 1
                _change(known, changes, event, {**parent, "children_count": count}, ordinal)
                ordinal += 1
        _count(known, changes, event, _unread(after) - _unread(before), ordinal)
        if before is not None and type(payload) is TaskProgressed:
            _thin(changes, before, after)
            return after["progress_count"]
    return None


def _thin(changes: Changes, before: TaskRow, after: TaskRow) -> None:
    """Note what leaves the history now that there is one more progress event."""
    count, step = before["progress_count"], stride(after["progress_count"])
    last = before["progress_position"]
    # It was there as the last of its attempt, which it no longer is.
    if last is not None and count % step and count != before["progress_from"]:
        changes.thinned.add(last)
    if step != stride(count):
        changes.crowded.add((after["owner"], after["id"]))


def _drop_thinned(changes: Changes) -> None:
    """What has come and gone within this batch is not stored first."""
    kept = [row for row in changes.history if row["position"] not in changes.thinned]
    changes.thinned.difference_update(row["position"] for row in changes.history)
    changes.history = kept


def _read(known: Known, changes: Changes, event: Event, told: InboxRead) -> None:
    """Mark as read what had ended by then, each task with a row of its own."""
    try:
        until = min(StreamId.parse(told.until), event.id).sortable
    except InvalidCursor as err:
        raise Unprojectable(str(err)) from err
    seen = sorted(
        (row["ended_position"] or START, row["id"])
        for (owner, _), row in known.tasks.items()
        if owner == event.owner and is_unread(row) and (row["ended_position"] or START) <= until
    )
    for ordinal, (_, task_id) in enumerate(seen, 1):
        # Nobody's tasks end by the ten thousands unread and are followed; should they, the last
        # ones share an ordinal: a reader may have to ask once more, the rows are right.
        row = known.tasks[event.owner, task_id]
        _change(known, changes, event, {**row, "read": True}, min(ordinal, MAX_ORDINAL - 2))
    inbox = _inbox(known, event.owner)
    after: InboxRow = {
        **inbox,
        "read_until": max(inbox["read_until"], until),
        "position": max(inbox["position"], event.id.sortable),
    }
    _keep(known, changes, after)
    _count(known, changes, event, -len(seen), min(len(seen) + 1, MAX_ORDINAL - 1))


def _change(known: Known, changes: Changes, event: Event, row: TaskRow, ordinal: int) -> None:
    position = event.id.sortable
    row["position"] = position
    key = (row["owner"], row["id"])
    was = known.tasks.pop(key, None)
    known.tasks[key] = changes.tasks[key] = row
    if was is not None and was["position"] > position:  # late: its place is further on already
        row["position"] = was["position"]
        return
    changes.notifications[row["owner"], TASK_PROGRESS, row["id"]] = {
        "owner": row["owner"],
        "name": TASK_PROGRESS,
        "task_id": row["id"],
        "position": position,
        "ordinal": ordinal,
        "timestamp_ms": event.at,
        "number": None,
    }


def _count(known: Known, changes: Changes, event: Event, more: int, ordinal: int) -> None:
    if not more:
        return
    position = event.id.sortable
    inbox = _inbox(known, event.owner)
    if inbox["position"] > position:  # late: no other row has this place at that event
        position, ordinal = inbox["position"], MAX_ORDINAL - 1
    after: InboxRow = {**inbox, "unread": inbox["unread"] + more, "position": position}
    _keep(known, changes, after)
    changes.notifications[event.owner, UNREAD_MESSAGE_COUNT, ""] = {
        "owner": event.owner,
        "name": UNREAD_MESSAGE_COUNT,
        "task_id": "",
        "position": position,
        "ordinal": ordinal,
        "timestamp_ms": event.at,
        "number": after["unread"],
    }


def _keep(known: Known, changes: Changes, inbox: InboxRow) -> None:
    known.inboxes.pop(inbox["owner"], None)
    known.inboxes[inbox["owner"]] = changes.inboxes[inbox["owner"]] = inbox


def _inbox(known: Known, owner: str) -> InboxRow:
    return known.inboxes.get(owner) or {
        "owner": owner,
        "unread": 0,
        "read_until": START,
        "position": START,
    }


def _unread(row: TaskRow | None) -> int:
    return row is not None and is_unread(row)
