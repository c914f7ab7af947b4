"""Owns hashing and checking passwords (argon2id). Knows no account."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

TIME_COST = 2
MEMORY_KIB = 19 * 1024
PARALLELISM = 1
"""OWASP's second choice for argon2id: 19 MiB, 2 passes; some 25 ms of one core."""

_AT_ONCE = 2
NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1"
    "$wW9fD0NCCIlazEWZ6iOwdA$VfITSkZGJtcKEkc6eEuBMwKrcMq55sSfANv4OcZdzW4"
)
"""A hash nobody has the password of: checked for unknown users, so that they take as long."""


class Passwords:
    """Hashes in threads, few at a time: each takes 19 MiB and a core."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(
            time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM
        )
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def hash(self, password: str) -> str:
        """Hash a password with a new salt."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password is the one that was hashed; as slow for null, which is nobody's."""
        async with self._slots:
            fits = await asyncio.to_thread(self._fits, hashed or NOBODY, password)
        return fits and hashed is not None

    def _fits(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False
