"""Owns positions in the log and the opaque cursors made of them; touches no log.

A stream id orders the events of one partition. A cursor names one row that an event changed:
(partition, first 4 bytes of log_id, era, stream id, ordinal of the row within its event).
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Self

from milepost.errors import InvalidCursor

_LAYOUT = struct.Struct(">BH4sIQQH")  # version, partition, log, era, ms, seq, ordinal
_STATE_LAYOUT = struct.Struct(">BH4sIQQHQQ")  # the same, then ms, seq of `state_at`
_VERSION, _STATE_VERSION = 1, 2
MAX_ORDINAL = 0xFFFF


@lru_cache(maxsize=64)
def _sortable(ms: int, seq: int) -> str:
    """Cached, as a fold asks for an event's several times in a row."""
    return f"{ms:016x}{seq:016x}"


class StreamId(NamedTuple):
    """A Redis stream id: milliseconds of the server's clock, then a counter within them."""

    ms: int
    seq: int

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Read `ms-seq` as Redis writes it.

        Raises:
            InvalidCursor: the text is no stream id.
        """
        raw = text.decode("ascii", "replace") if isinstance(text, bytes) else text
        ms, dash, seq = raw.partition("-")
        if not (dash and ms.isascii() and seq.isascii() and ms.isdigit() and seq.isdigit()):
            raise InvalidCursor(f"not a stream id: {raw[:40]!r}")
        return cls(int(ms), int(seq))

    def __str__(self) -> str:
        return f"{self.ms}-{self.seq}"

    @property
    def sortable(self) -> str:
        """32 hexadecimal digits that sort like the id, for SQL columns."""
        return _sortable(self.ms, self.seq)

    @classmethod
    def from_sortable(cls, text: str) -> Self:
        """Undo `sortable`; text comes from our own tables."""
        return cls(int(text[:16], 16), int(text[16:32], 16))


ZERO = StreamId(0, 0)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in what one partition shows. Ordinal 0 is the event itself (a `revision`),
    1 and up its rows, MAX_ORDINAL everything of it."""

    partition: int
    log: bytes
    era: int
    id: StreamId
    ordinal: int
    state_at: StreamId | None = None
    """Between two pages of a current state: where the partition was when it was begun, so that
    what had been dismissed by then is left out of the next page too. Null for every other place."""

    def __str__(self) -> str:
        """39 URL-safe characters (60 between the pages of a state), opaque to clients."""
        place = (self.partition, self.log, self.era, *self.id, self.ordinal)
        if self.state_at is None:
            packed = _LAYOUT.pack(_VERSION, *place)
        else:
            packed = _STATE_LAYOUT.pack(_STATE_VERSION, *place, *self.state_at)
        return urlsafe_b64encode(packed).rstrip(b"=").decode()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a cursor back.

        Raises:
            InvalidCursor: the text was never a cursor (wrong length, alphabet or version).
        """
        if len(text) not in (39, 60) or not text.isascii():
            raise InvalidCursor("not a cursor")
        try:
            packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            layout = _LAYOUT if len(text) == 39 else _STATE_LAYOUT
            _, partition, log, era, ms, seq, ordinal, *state = layout.unpack(packed)
        except (ValueError, struct.error) as err:
            raise InvalidCursor("not a cursor") from err
        state_at = StreamId(*state) if state else None
        cursor = cls(partition, log, era, StreamId(ms, seq), ordinal, state_at)
        if str(cursor) != text:  # another version, or another spelling of the same bytes
            raise InvalidCursor("not a cursor")
        return cursor


def log_prefix(log_id: str) -> bytes:
    """The 4 bytes of a 32-digit hexadecimal log_id that go into cursors."""
    return bytes.fromhex(log_id[:8])
