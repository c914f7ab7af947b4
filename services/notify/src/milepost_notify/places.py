"""Owns how many long polls and streams one owner may have open in this process. Knows no HTTP."""

from collections.abc import Generator
from contextlib import contextmanager

from milepost.errors import MilepostError


class NoPlace(MilepostError):
    """The owner has as many waiting requests open as allowed."""


class Places:
    """Counts those who wait, by owner."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: dict[str, int] = {}

    def taken(self, owner: str) -> int:
        """How many the owner has now."""
        return self._taken.get(owner, 0)

    @property
    def all_taken(self) -> int:
        """How many wait, of all owners."""
        return sum(self._taken.values())

    @contextmanager
    def place(self, owner: str) -> Generator[None]:
        """Have a place until the end of the block.

        Raises:
            NoPlace: all are taken.
        """
        taken = self._taken.get(owner, 0)
        if taken >= self._most:
            raise NoPlace(f"{self._most} requests of this owner wait already")
        self._taken[owner] = taken + 1
        try:
            yield
        finally:
            self._taken[owner] -= 1
            if not self._taken[owner]:
                del self._taken[owner]
