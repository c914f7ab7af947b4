"""Owns waiting for a partition to be ours. Knows no Redis."""

import asyncio
from typing import Protocol

from milepost_notify.replicas import Replicas


class Turns(Protocol):
    """When to project a partition."""

    async def begin(self, partition: int) -> None:
        """Return once the partition is ours."""
        ...

    def mine(self, partition: int) -> bool:
        """Whether the partition is ours now."""
        ...


class Alone:
    """Turns of who knows of no other: everything, for ever."""

    async def begin(self, partition: int) -> None:
        """Return at once."""

    def mine(self, partition: int) -> bool:
        """Say yes."""
        return True


class Shared:
    """Turns among replicas."""

    def __init__(self, replicas: Replicas) -> None:
        self._replicas = replicas
        self._known = False
        self._changed = asyncio.Event()

    def look(self) -> None:
        """Call whenever the replicas may have changed, first once they are known."""
        self._known = True
        self._changed.set()
        self._changed = asyncio.Event()

    async def begin(self, partition: int) -> None:
        """Return once the partition is ours."""
        while not (self._known and self.mine(partition)):
            await self._changed.wait()

    def mine(self, partition: int) -> bool:
        """Whether the partition is ours now."""
        return self._replicas.mine(partition)
