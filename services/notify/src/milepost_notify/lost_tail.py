"""Owns finding where a log has lost its tail: what of the history is still in it. No I/O.

An id alone proves nothing: a server that went back may have given it again, to another event.
"""

from collections.abc import Iterable, Sequence

from milepost.cursors import StreamId
from milepost.errors import UndecodableEvent
from milepost_log.reader import Entry
from milepost_notify.archive import HistoryRow, Logged, history_row, take_in

_MAX_SEQ = 2**64 - 1


def still_there(rows: Sequence[HistoryRow], entries: Iterable[Entry]) -> list[bool]:
    """Whether each row is of an entry that the log has, with the same content."""
    found = {StreamId.parse(entry.id).sortable: entry for entry in entries}
    return [_is_of(row, found.get(row["position"])) for row in rows]


def _is_of(row: HistoryRow, entry: Entry | None) -> bool:
    if entry is None:
        return False
    try:
        read = take_in(row["partition"], entry.id, entry.fields)
    except UndecodableEvent:
        return False
    return isinstance(read, Logged) and history_row(read, row["n"]) == row


def before(position: StreamId) -> StreamId:
    """The id just before another one."""
    ms, seq = position
    return StreamId(ms, seq - 1) if seq else StreamId(ms - 1, _MAX_SEQ)
