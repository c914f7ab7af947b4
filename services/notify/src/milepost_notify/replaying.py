"""Owns folding parked events again, by the code that is there now. No I/O.

Of a parked task nothing behind the first parked event has been folded, so its row goes on from
where it stands. What other tasks of its owner have done since is folded already: events come late.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic_core import from_json

from milepost.cursors import StreamId
from milepost.errors import UndecodableEvent
from milepost.events import TaskCreated
from milepost_notify.archive import Logged, ParkedRow, Unread, take_in
from milepost_notify.cache import Missing, missing
from milepost_notify.changes import Changes, Known
from milepost_notify.folding import fold
from milepost_notify.rows import TaskKey


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay of one partition has come to."""

    partition: int
    projected: int
    """Events that are in the read models now."""
    parked: int
    """Events that still wait."""


def taken_out(rows: Iterable[ParkedRow]) -> list[Logged | Unread]:
    """Read parked entries, oldest first, as the log had them."""
    return [_taken_out(row) for row in sorted(rows, key=lambda row: row["position"])]


def needed(entries: Sequence[Logged | Unread]) -> Missing:
    """The rows that `replay` has to know."""
    return missing(Known(), entries)


def created(entries: Iterable[Logged | Unread]) -> dict[TaskKey, str]:
    """Tasks that begin among the entries, and where: children of theirs may be known already."""
    return {
        (entry.event.owner, entry.event.task): entry.event.id.sortable
        for entry in entries
        if isinstance(entry, Logged) and isinstance(entry.event.payload, TaskCreated)
    }


def replay(known: Known, entries: Iterable[Logged | Unread]) -> Changes:
    """Fold parked entries; `parked` of the changes is all that stays so, with its reason of now."""
    known.parked.clear()
    return fold(known, entries)


def _taken_out(row: ParkedRow) -> Logged | Unread:
    stored: dict[str, str] = from_json(row["fields"])
    fields = {name.encode("latin-1"): value.encode("latin-1") for name, value in stored.items()}
    position = StreamId.from_sortable(row["position"])
    try:
        return take_in(row["partition"], str(position).encode(), fields)
    except UndecodableEvent as err:
        reason = str(err)
    return Unread(row["partition"], position, row["owner"], row["task_id"], fields, reason)
