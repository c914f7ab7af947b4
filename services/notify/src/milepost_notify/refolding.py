"""Owns making the read models again from the history, as the log once made them. No I/O.

The same fold over the same events gives the same rows: positions, ordinals and times included, so
that cursors stay what they are. What belongs together is everything of one owner: a task's row also
depends on its children and on what its owner has read. So fold whole owners, or whole partitions.
"""

from collections.abc import Iterable

from milepost_notify.archive import HistoryRow, Logged, archived
from milepost_notify.changes import Changes, Known
from milepost_notify.folding import fold


def refold(known: Known, rows: Iterable[HistoryRow]) -> Changes:
    """Fold history rows in the order of their positions; `known` is brought up to date in place.

    `known` begins empty and is handed on from batch to batch, or holds what earlier batches have
    stored: the rows come out the same. What no longer follows from anything, since retention has
    removed its beginning, changes nothing.

    Raises:
        NewerEvent: a later version of this code has written one of them.
    """
    return refold_entries(known, map(archived, rows))


def refold_entries(known: Known, entries: Iterable[Logged]) -> Changes:
    """Do the same with events that have been read already."""
    changes = fold(known, entries, to_history=False)
    changes.parked.clear()
    return changes
