"""Owns what an owner is: its checked id, its hash for key names, and the partition it lives in."""

import unicodedata
from base64 import urlsafe_b64encode
from hashlib import blake2b

from milepost.errors import InvalidValue

MAX_OWNER_CHARS = 255
LOCAL_PREFIX = "local:"


def check_owner(owner: str) -> str:
    """Return `owner` unchanged: 1..255 characters, none of them a control or a surrogate.

    Owners are opaque: compared byte for byte, never trimmed, folded or normalised.

    Raises:
        InvalidValue: the string cannot name an owner.
    """
    if not 1 <= len(owner) <= MAX_OWNER_CHARS:
        raise InvalidValue(f"an owner has 1 to {MAX_OWNER_CHARS} characters")
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in owner):
        raise InvalidValue("an owner has no control characters")
    return owner


def owner_hash(owner: str) -> str:
    """Name `owner` inside a key: 22 URL-safe characters of a 128-bit blake2b.

    What people write enters a key only as a hash, so that no spelling of one owner can
    ever become part of another's key (`a` + `b:c` is not `a:b` + `c`).
    """
    return urlsafe_b64encode(blake2b(owner.encode(), digest_size=16).digest())[:22].decode()


def partition_of(owner: str, partitions: int) -> int:
    """Return the partition (0..partitions-1) that holds everything of `owner`.

    Stable for ever and over processes, unlike `hash()`.
    """
    return int.from_bytes(blake2b(owner.encode(), digest_size=8).digest(), "big") % partitions


def key_hash(*parts: str) -> str:
    """Hash client-written strings into one key part; lengths too, so that parts never blur."""
    digest = blake2b(digest_size=16)
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return urlsafe_b64encode(digest.digest())[:22].decode()
