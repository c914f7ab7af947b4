"""Owns pausing and resuming of queues and task types, over all partitions. Decides nothing.

Each partition has the list of its own, which the script that starts tasks reads in the same step:
once a command has been answered, nothing is started against it, whoever takes.
"""

from typing import Any, cast

from milepost.codec import encode_data
from milepost.events import WorkPaused, WorkResumed
from milepost.keys import PartitionKeys
from milepost.owners import partition_of
from milepost_log.paused import Pause, What, details_of, field_of, joined, read_all
from milepost_log.scripts import Argument, call_async
from milepost_log.servers import AsyncServers


class Pauses:
    """Those of a deployment. Every call may be repeated, and raises LogUnavailable when a primary
    does not answer: then some partitions may have changed and others not."""

    def __init__(self, servers: AsyncServers, namespace: str, partitions: int) -> None:
        self._servers = servers
        self._partitions = [PartitionKeys(namespace, number) for number in range(partitions)]

    async def all(self) -> list[Pause]:
        """What is paused, queues first, by name."""
        found = list[list[Pause]]()
        for keys in self._partitions:
            async with self._servers.at(keys.paused) as client:
                fields = cast(dict[bytes, bytes], await client.hgetall(keys.paused))  # pyright: ignore  # untyped
            found.append(read_all(fields))
        return joined(found)

    async def pause(self, what: What, name: str, *, by: str, reason: str | None) -> Pause:
        """Start nothing of it from now on. What is paused keeps its time, and gets who and why.

        Args:
            by: the operator, in whose partition of the log it is told.
        """
        event = encode_data(WorkPaused(what=what, name=name, reason=reason))
        since = await self._each(what, name, details_of(by, reason), by, event)
        return Pause(what, name, int(since), by, reason)

    async def resume(self, what: What, name: str, *, by: str) -> None:
        """Let it go on, and wake who could take it; what is not paused is left alone."""
        await self._each(what, name, "", by, encode_data(WorkResumed(what=what, name=name)))

    async def _each(self, what: What, name: str, details: str, by: str, event: str) -> str:
        """The operator's own partition comes last: what is told has been done everywhere."""
        own = partition_of(by, len(self._partitions))
        since, changed = "", False
        for keys in sorted(self._partitions, key=lambda each: each.partition == own):
            arguments: list[Argument] = [keys.prefix, field_of(what, name), details, since]
            arguments += [by if keys.partition == own else "", event, int(changed)]
            names = [keys.log, keys.paused]
            answer = cast(list[Any], await call_async(self._servers, "pause", names, arguments))
            since, changed = answer[1].decode(), changed or bool(answer[0])
        return since
