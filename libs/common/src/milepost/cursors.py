"""Owns positions in the log and the opaque cursors made of them; touches no log.

A stream id orders the events of one partition. A cursor names one row that an event changed:
(partition, first 4 bytes of log_id, era, stream id, ordinal of the row within its event).
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import NamedTuple, Self

from milepost.errors import InvalidCursor

_LAYOUT = struct.Struct(">BH4sIQQH")  # version, partition, log, era, ms, seq, ordinal
_VERSION = 1
MAX_ORDINAL = 0xFFFF


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
        return f"{self.ms:016x}{self.seq:016x}"

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

    def __str__(self) -> str:
        """39 URL-safe characters, opaque to clients."""
        packed = _LAYOUT.pack(
            _VERSION, self.partition, self.log, self.era, self.id.ms, self.id.seq, self.ordinal
        )
        return urlsafe_b64encode(packed).rstrip(b"=").decode()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a cursor back.

        Raises:
            InvalidCursor: the text was never a cursor (wrong length, alphabet or version).
        """
        if len(text) != 39 or not text.isascii():
            raise InvalidCursor("not a cursor")
        try:
            packed = urlsafe_b64decode(text + "=")
            version, partition, log, era, ms, seq, ordinal = _LAYOUT.unpack(packed)
        except (ValueError, struct.error) as err:
            raise InvalidCursor("not a cursor") from err
        cursor = cls(partition, log, era, StreamId(ms, seq), ordinal)
        if version != _VERSION or str(cursor) != text:
            raise InvalidCursor("not a cursor")
        return cursor


def log_prefix(log_id: str) -> bytes:
    """The 4 bytes of a 32-digit hexadecimal log_id that go into cursors."""
    return bytes.fromhex(log_id[:8])
