"""Owns looks into the read models that many who wait can share. Wakes nobody, decides nothing.

While announcements are not trusted, everybody who waits looks for himself once a second: one look
at the checkpoint serves them all, and says to each whether anything can have happened.
"""

import asyncio
from collections.abc import Callable

from milepost_notify.checkpoints import Checkpoint
from milepost_notify.store import ReadStore

KEEP_SECONDS = 0.25


class SharedLooks:
    """Where the partitions are, as of at most 0.25 s ago."""

    def __init__(self, reads: ReadStore, monotonic: Callable[[], float]) -> None:
        self._reads, self._monotonic = reads, monotonic
        self._looks: dict[int, tuple[float, asyncio.Task[Checkpoint | None]]] = {}

    async def checkpoint(self, partition: int) -> Checkpoint | None:
        """How far the partition was a moment ago; null when nobody has begun it.

        Raises:
            StoreUnavailable: the database does not answer; said to all who share the look.
        """
        now = self._monotonic()
        begun, look = self._looks.get(partition, (0.0, None))
        if look is None or (look.done() and now - begun >= KEEP_SECONDS):
            look = asyncio.create_task(self._look(partition))
            self._looks[partition] = now, look
        return await asyncio.shield(look)  # who leaves takes nobody's look with him

    async def _look(self, partition: int) -> Checkpoint | None:
        return await self._reads.read(lambda snapshot: snapshot.checkpoint(partition))
