"""Owns reading where tasks stand in their queues, and who works. Read-only; decides nothing."""

from dataclasses import dataclass
from typing import Literal, cast

from milepost.keys import PartitionKeys
from milepost.owners import owner_hash
from milepost_log.paused import Pause, read
from milepost_log.scripts import Argument, call_async
from milepost_log.servers import AsyncServers

COUNTED = 200
"""So many entries of a queue are counted exactly; beyond them it is an estimate."""

Waits = Literal["", "stream", "own", "limit", "alone", "aside"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the log's live side has one task."""

    status: str
    attempt: int
    worker: str
    """Incarnation that runs it; empty when none does."""
    has_lease: bool
    """Whether that worker has a lease."""
    waits: Waits
    """`stream`: for its turn; `own`: its owner has a whole share in the queue; `limit`: as many of
    its type run as one owner may have; `alone`: it lost two workers, and waits for one that runs
    nothing beside it; `aside`: for a worker that may take it; empty: it is not queued."""
    ahead: int | None
    """About how many tasks of its partition are before it; null when nobody can say."""
    suspects: bool
    """Whether a task of its queue waits to run alone, or does, while this one is queued."""
    paused: Pause | None
    """What an operator has paused of it: its queue, else its type; null while it runs."""


@dataclass(frozen=True, slots=True)
class Census:
    """One partition: who works and what waits."""

    beats: dict[str, int]
    """Worker -> its counter."""
    waiting: dict[str, int]
    """`queue:priority letter` -> entries nobody has taken."""


async def place_of(
    servers: AsyncServers, namespace: str, partition: int, owner: str, task_id: str, task_type: str
) -> Place | None:
    """Where a task stands; null when its live state is gone.

    Raises:
        LogUnavailable: Redis does not answer.
    """
    keys, o = PartitionKeys(namespace, partition), owner_hash(owner)
    names = [keys.log, keys.leases, keys.task(o, task_id)]
    arguments: list[Argument] = [keys.prefix, o, task_id, COUNTED, task_type]
    answer = await call_async(servers, "standing", names, arguments)
    if not answer:
        return None
    status, attempt, worker, beats, waits, ahead, suspects, paused, pause = answer
    return Place(
        status.decode(), int(attempt), worker.decode(), bool(beats),
        cast(Waits, waits.decode()), int(ahead) if int(ahead) >= 0 else None, bool(suspects),
        read(paused.decode(), "", pause) if paused else None,
    )  # fmt: skip


async def census_of(servers: AsyncServers, namespace: str, partition: int) -> Census:
    """Who works in a partition and what waits there.

    Raises:
        LogUnavailable: Redis does not answer.
    """
    keys = PartitionKeys(namespace, partition)
    beats, waiting = await call_async(servers, "census", [keys.log, keys.leases], [keys.prefix])
    return Census(_pairs(beats), _pairs(waiting))


def _pairs(flat: list[bytes]) -> dict[str, int]:
    return {flat[i].decode(): int(flat[i + 1]) for i in range(0, len(flat), 2)}
