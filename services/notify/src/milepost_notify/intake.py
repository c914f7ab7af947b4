"""Owns making a batch of log entries: what can be read, what is dead, how many to ask for next.

No I/O.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from milepost.cursors import StreamId
from milepost.errors import UndecodableEvent
from milepost_log.reader import Entry
from milepost_notify.archive import Logged, Unread, take_in

FEWEST, MOST = 16, 2000
BATCH_BYTES = 4 * 1024 * 1024
"""A batch is aimed to stay below; one entry may have 512 KiB of params."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries, read."""

    position: StreamId
    """Of the last one."""
    entries: list[Logged | Unread]
    dead: list[tuple[Entry, str]]
    """What nobody will ever read, with the reason."""


def batch_of(partition: int, raw: Sequence[Entry]) -> Batch:
    """Read entries, at least one, oldest first."""
    entries: list[Logged | Unread] = []
    dead: list[tuple[Entry, str]] = []
    for entry in raw:
        try:
            entries.append(take_in(partition, entry.id, entry.fields))
        except UndecodableEvent as err:
            dead.append((entry, str(err)))
    return Batch(StreamId.parse(raw[-1].id), entries, dead)


def next_count(count: int, raw: Sequence[Entry]) -> int:
    """How many entries to ask for next, having got `raw` when asking for `count`."""
    size = sum(len(entry.fields.get(b"d", b"")) for entry in raw)
    if size > BATCH_BYTES:
        return max(FEWEST, count // 4)
    if len(raw) == count and size * 4 < BATCH_BYTES:
        return min(MOST, count * 4)
    return count
