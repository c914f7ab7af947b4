"""Owns reading the log, for projectors: from a checkpoint, without a consumer group."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from milepost.cursors import ZERO, StreamId
from milepost.keys import PartitionKeys
from milepost.owners import owner_hash, partition_of
from milepost_log.scripts import Argument, call_async
from milepost_log.servers import AsyncServers


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
    servers: AsyncServers, namespace: str, partitions: int, owner: str, task_id: str
) -> StreamId | None:
    """Where the log has the creation of a task whose live state is kept; null for all others.

    Raises:
        LogUnavailable: Redis does not answer.
    """
    keys = PartitionKeys(namespace, partition_of(owner, partitions))
    key = keys.task(owner_hash(owner), task_id)
    async with servers.at(key) as client:
        found = cast(bytes | None, await client.hget(key, "i"))  # pyright: ignore  # untyped
    return None if found is None else StreamId.parse(found)


class LogReader:
    """The log of one partition, read forwards. Raises LogUnavailable when Redis does not answer.

    A blocking read occupies a connection for as long as it blocks.
    """

    def __init__(
        self,
        servers: AsyncServers,
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
        self._servers = servers
        self._keys = PartitionKeys(namespace, partition)
        self._keep_bytes = keep_bytes

    async def log_id(self) -> str | None:
        """The log's random name; null before it has one."""
        async with self._servers.at(self._keys.meta) as client:
            name = cast(bytes | None, await client.hget(self._keys.meta, "log_id"))  # pyright: ignore  # untyped
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
        async with self._servers.at(self._keys.log) as client:
            pipe = client.pipeline(transaction=False)
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
        return int(await call_async(self._servers, "checkpoint", names, arguments))

    async def bury(self, entry: Entry, reason: str) -> None:
        """Copy an entry nobody can decode to the dead letters, cut short; also in a full Redis."""
        arguments: list[Argument] = [self._keys.prefix, entry.id, reason]
        for name, value in islice(entry.fields.items(), 8):
            arguments += [name[:100], value[:500]]
        await call_async(self._servers, "bury", [self._keys.log, self._keys.dead], arguments)
