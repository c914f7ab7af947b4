"""Owns what a task id is: a UUIDv7 in its one spelling. Reads no clock and draws no lots."""

import re

_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def uuid7(ms: int, random: bytes) -> str:
    """Make a UUIDv7 (RFC 9562, section 5.7) of milliseconds since the epoch and 10 random bytes."""
    if len(random) != 10:
        raise ValueError(f"10 random bytes, not {len(random)}")
    lots = int.from_bytes(random, "big")
    rand_a, rand_b = lots >> 62 & 0xFFF, lots & (1 << 62) - 1
    digits = f"{(ms & (1 << 48) - 1) << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def canonical_task_id(text: str) -> str | None:
    """The id in lower case, which is how it is stored and compared; null for what is no UUIDv7."""
    lowered = text.lower()
    return lowered if _UUID7.fullmatch(lowered) else None
