"""Owns reading the log, for projectors: from a checkpoint, without a consumer group."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

import redis.asyncio

from milepost.cursors import ZERO, StreamId
from milepost.keys import PartitionKeys
from milepost.owners import owner_hash, partition_of
from milepost_log.connection import translated
from milepost_log.scripts import Argument, call_async


@dataclass(frozen=True, slots=True)
class Entry:
    """One raw log entry."""

    id: bytes
    fields: Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at the log gave."""

    log_id: str | None
    """The log's random name; null before it has one."""
    continues: bool
    """Whether the log still has the entry that was read behind: otherwise its tail is lost."""
    entries: list[Entry]


async def created_at(
    client: redis.asyncio.Redis, namespace: str, partitions: int, owner: str, task_id: str
) -> StreamId | None:
    """Where the log has the creation of a task whose live state is kept; null for all others.

    Raises:
        LogUnavailable: Redis does not answer.
    """
    keys = PartitionKeys(namespace, partition_of(owner, partitions))
    with translated():
        found = cast(bytes | None, await client.hget(keys.task(owner_hash(owner), task_id), "i"))  # pyright: ignore  # untyped
    return None if found is None else StreamId.parse(found)


class LogReader:
    """The log of one partition, read forwards. Raises LogUnavailable when Redis does not answer.

    `client` must be this reader's own: a blocking read occupies its connection.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis,
        namespace: str,
        partition: int,
        *,
        keep_bytes: Callable[[], int] = lambda: 0,
    ) -> None:
        """Connect at the first call.

        Args:
            keep_bytes: how large the log may be; trimming keeps it below that, as far as readers
                are. 0 for any size.
        """
        self._client = client
        self._keys = PartitionKeys(namespace, partition)
        self._keep_bytes = keep_bytes

    async def log_id(self) -> str | None:
        """The log's random name; null before it has one."""
        with translated():
            name = cast(bytes | None, await self._client.hget(self._keys.meta, "log_id"))  # pyright: ignore  # untyped
        return None if name is None else name.decode()

    async def read(self, after: StreamId, *, count: int, block_ms: int) -> list[Entry]:
        """The next entries behind `after`, oldest first; empty after `block_ms` without any."""
        return (await self.look(after, count=count, block_ms=block_ms)).entries

    async def look(self, after: StreamId, *, count: int, block_ms: int) -> Reading:
        """The next entries behind `after`, with what proves that nothing lies between.

        XREAD alone cannot tell a lost tail from silence, and the client connects again without a
        word: so each read also says, by the same connection, whose log it is and whether it still
        has the entry `after`.
        """
        at = str(after)
        with translated():
            pipe = self._client.pipeline(transaction=False)
            pipe.hget(self._keys.meta, "log_id")  # pyright: ignore  # untyped
            pipe.xrange(self._keys.log, at, at, count=1)  # pyright: ignore  # untyped
            pipe.xread({self._keys.log: at}, count=count, block=block_ms)  # pyright: ignore  # untyped
            name, found, answer = cast(tuple[bytes | None, list[Any], Any], await pipe.execute())
        entries = [Entry(entry[0], entry[1]) for entry in answer[0][1]] if answer else []
        log_id = None if name is None else name.decode()
        return Reading(log_id, after == ZERO or bool(found), entries)

    async def checkpoint(self, reader: str, position: StreamId, *, keep_ms: int) -> int:
        """Tell how far `reader` is and trim what everybody has read; entries trimmed."""
        arguments = [self._keys.prefix, reader, str(position), keep_ms, self._keep_bytes()]
        names = [self._keys.log, self._keys.readers]
        return int(await call_async(self._client, "checkpoint", names, arguments))

    async def bury(self, entry: Entry, reason: str) -> None:
        """Copy an entry nobody can decode to the dead letters, cut short; also in a full Redis."""
        arguments: list[Argument] = [self._keys.prefix, entry.id, reason]
        for name, value in islice(entry.fields.items(), 8):
            arguments += [name[:100], value[:500]]
        await call_async(self._client, "bury", [self._keys.log, self._keys.dead], arguments)
