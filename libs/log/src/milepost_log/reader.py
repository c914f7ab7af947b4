"""Owns reading the log, for projectors: from a checkpoint, without a consumer group."""

from collections.abc import Callable, Iterable, Mapping
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
    """Whether the log still has the entry that was read behind, or begins there: otherwise its tail
    is lost."""
    entries: list[Entry]
    now_ms: int
    """By Redis' clock, when it had been read."""


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

    async def name(self, log_id: str) -> str:
        """Name a log that has no name yet; the name it has now."""
        async with self._servers.at(self._keys.meta) as client:
            await client.hsetnx(self._keys.meta, "log_id", log_id)  # pyright: ignore  # untyped
            return (await client.hget(self._keys.meta, "log_id")).decode()  # pyright: ignore  # untyped

    async def read(self, after: StreamId, *, count: int, block_ms: int) -> list[Entry]:
        """The next entries behind `after`, oldest first; empty after `block_ms` without any."""
        return (await self.look(after, count=count, block_ms=block_ms)).entries

    async def look(self, after: StreamId, *, count: int, block_ms: int) -> Reading:
        """The next entries behind `after`, with what proves that nothing lies between.

        XREAD alone cannot tell a lost tail from silence, and the client connects again without a
        word: so each read also says, by the same connection, whose log it is and whether it still
        has the entry `after`. Asked behind the read, as it may have waited while that went.
        """
        at = str(after)
        async with self._servers.at(self._keys.log) as client:
            pipe = client.pipeline(transaction=False)
            pipe.xread({self._keys.log: at}, count=count, block=block_ms)  # pyright: ignore  # untyped
            pipe.hmget(self._keys.meta, ["log_id", "base"])  # pyright: ignore  # untyped
            pipe.xrange(self._keys.log, at, at, count=1)  # pyright: ignore  # untyped
            pipe.time()  # pyright: ignore[reportUnknownMemberType]  # untyped
            answer, meta, found, now = cast(
                tuple[Any, list[Any], list[Any], tuple[int, int]], await pipe.execute()
            )
        entries = [Entry(entry[0], entry[1]) for entry in answer[0][1]] if answer else []
        log_id = None if meta[0] is None else meta[0].decode()
        continues = after == ZERO or bool(found) or meta[1] == at.encode()
        return Reading(log_id, continues, entries, now[0] * 1000 + now[1] // 1000)

    async def first(self) -> StreamId | None:
        """The oldest entry that is there; null when there is none."""
        async with self._servers.at(self._keys.log) as client:
            found = cast(list[Any], await client.xrange(self._keys.log, count=1))  # pyright: ignore  # untyped
        return StreamId.parse(found[0][0]) if found else None

    async def entries(self, positions: Iterable[StreamId]) -> list[Entry]:
        """The entries that have these ids, as far as they are there."""
        async with self._servers.at(self._keys.log) as client:
            pipe = client.pipeline(transaction=False)
            for at in map(str, positions):
                pipe.xrange(self._keys.log, at, at)  # pyright: ignore  # untyped
            found = await pipe.execute()
        return [Entry(entry[0], entry[1]) for answer in found for entry in answer]

    async def raise_last_id(self, position: StreamId, *, base: StreamId | None = None) -> bool:
        """Let new entries come behind `position`, so that no id is given twice.

        Args:
            base: readers may stand there, before the first entry, though no entry has this id.

        Returns:
            Whether it is so; not, and nothing is changed, where entries are at or before `base`.
        """
        arguments = [self._keys.prefix, str(position), "" if base is None else str(base)]
        names = [self._keys.log, self._keys.meta]
        return bool(await call_async(self._servers, "last_id", names, arguments))

    async def checkpoint(self, reader: str, position: StreamId, *, keep_ms: int) -> int:
        """Tell how far `reader` is and trim what everybody has read; entries trimmed."""
        arguments = [self._keys.prefix, reader, str(position), keep_ms, self._keep_bytes()]
        names = [self._keys.log, self._keys.readers, self._keys.meta]
        return int(await call_async(self._servers, "checkpoint", names, arguments))

    async def bury(self, entry: Entry, reason: str) -> None:
        """Copy an entry nobody can decode to the dead letters, cut short; also in a full Redis."""
        arguments: list[Argument] = [self._keys.prefix, entry.id, reason]
        for name, value in islice(entry.fields.items(), 8):
            arguments += [name[:100], value[:500]]
        await call_async(self._servers, "bury", [self._keys.log, self._keys.dead], arguments)
