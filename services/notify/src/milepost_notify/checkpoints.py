"""Owns how far a partition is projected, and which cursors still mean something there. No I/O."""

from dataclasses import dataclass
from typing import Self

from milepost.cursors import MAX_ORDINAL, ZERO, Cursor, StreamId, log_prefix


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last log entry that the read models contain."""

    partition: int
    log_id: str
    era: int
    """Raised when positions were taken back or told anew: older cursors mean nothing then."""
    position: StreamId
    retained: StreamId = ZERO
    """Cursors below it may have missed what retention removed."""
    generation: int = 0
    """The set of rows that is served; a rebuild makes another one. No two partitions share one."""

    @classmethod
    def first(cls, partition: int, log_id: str) -> Self:
        """Stand before the first entry of a log."""
        return cls(partition, log_id, 0, ZERO, generation=partition)

    def cursor(self, position: StreamId, ordinal: int, state_at: StreamId | None = None) -> Cursor:
        """Name one row that the event at `position` changed."""
        log = log_prefix(self.log_id)
        return Cursor(self.partition, log, self.era, position, ordinal, state_at)

    def end(self) -> Cursor:
        """Name the place behind everything projected so far."""
        return self.cursor(self.position, MAX_ORDINAL)

    def revision(self, position: StreamId) -> Cursor:
        """Name an event as submit does, which knows no era."""
        return Cursor(self.partition, log_prefix(self.log_id), 0, position, 0)

    def is_of(self, cursor: Cursor) -> bool:
        """Whether the cursor is of this partition's log in this era."""
        return (
            cursor.partition == self.partition
            and cursor.log == log_prefix(self.log_id)
            and cursor.era == self.era
        )

    def continues(self, cursor: Cursor) -> bool:
        """Whether what comes after the cursor is all that its holder lacks; otherwise: a gap.

        Between two pages of a state what may be missed is what was removed since that state was
        begun: its rows may be older than anything retention knows of.
        """
        begun = cursor.state_at or cursor.id
        return self.is_of(cursor) and self.retained <= begun and cursor.id <= self.position

    def has_passed(self, revision: Cursor) -> bool:
        """Whether the event is contained; one of another partition or log is not waited for."""
        ours = revision.partition == self.partition and revision.log == log_prefix(self.log_id)
        return not ours or revision.id <= self.position
