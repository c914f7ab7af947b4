"""Owns which primary of a cluster has which key: hash slots and the table of them. No I/O.

The formula is the Redis Cluster specification's: CRC16 (XMODEM) of the hash tag, mod 16384.
"""

from binascii import crc_hqx
from collections.abc import Sequence
from typing import Any, NamedTuple

from milepost.errors import InvalidValue

SLOTS = 16384


class Address(NamedTuple):
    """Where a node listens."""

    host: str
    port: int

    def __str__(self) -> str:
        """As in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def slot_of(key: str) -> int:
    """The hash slot of a key, 0..16383: of what its first braces enclose, if that is anything."""
    start = key.find("{")
    end = key.find("}", start + 1)
    tag = key[start + 1 : end] if 0 <= start < end - 1 else key
    return crc_hqx(tag.encode(), 0) % SLOTS


class SlotTable:
    """Which primary serves which slot, as one node told it. Never changes."""

    def __init__(self, ranges: Sequence[tuple[int, int, Address]]) -> None:
        """Take (first slot, last slot, primary), both slots included."""
        self._by_slot: list[Address | None] = [None] * SLOTS
        for first, last, primary in ranges:
            self._by_slot[first : last + 1] = [primary] * (last + 1 - first)
        self.primaries = tuple(dict.fromkeys(primary for _, _, primary in ranges))
        """Each once."""

    def primary_of(self, key: str) -> Address | None:
        """Who serves a key; null when nobody does."""
        return self._by_slot[slot_of(key)]


def read_slots(answer: Any, asked: Address) -> SlotTable:
    """Read an answer to CLUSTER SLOTS.

    Args:
        asked: the node that gave it; a node without a name of its own means the host asked.

    Raises:
        InvalidValue: it is none.
    """
    try:
        ranges: list[tuple[int, int, Address]] = []
        for first, last, (host, port, *_), *_ in answer:
            name = (host or b"").decode()
            primary = Address(asked.host if name in ("", "?") else name, int(port))
            ranges.append((int(first), int(last), primary))
    except (TypeError, ValueError, AttributeError) as err:
        raise InvalidValue(f"no answer to CLUSTER SLOTS: {answer!r:.200}") from err
    return SlotTable(ranges)
