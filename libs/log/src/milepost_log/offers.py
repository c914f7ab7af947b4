"""Owns what live workers offer: they say it, notify and other workers read it. Decides nothing.

One sorted set for all: a task type or queue, by when a live worker last said that it takes it. So
nothing has to be cleaned up behind workers that vanish, and `since when nobody` is in it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from milepost import keys
from milepost_log.scripts import call, call_async
from milepost_log.servers import AsyncServers, Servers


@dataclass(frozen=True, slots=True)
class Offered:
    """When live workers last offered what a task needs. Milliseconds by Redis' clock."""

    now_ms: int
    type_at: int | None
    """Null: not within 30 days."""
    queue_at: int | None


def lines(types: Sequence[str], queues: Sequence[str]) -> list[str]:
    """What a worker offers, as `offer` takes it."""
    return [*(f"type {name}" for name in types), *(f"queue {name}" for name in queues)]


def offer(servers: Servers, namespace: str, offered: Sequence[str]) -> None:
    """Say that a live worker takes these, now; repeat it at least once a lease.

    Raises:
        LogUnavailable: Redis does not answer.
    """
    call(servers, "offer", [keys.offers(namespace)], [namespace, *offered])


def offered_within(
    servers: Servers, namespace: str, types: Collection[str], seconds: int
) -> set[str]:
    """Which of some task types live workers have offered within so many seconds.

    Raises:
        LogUnavailable: Redis does not answer.
    """
    wanted = lines(list(types), [])
    now, *times = call(servers, "offered", [keys.offers(namespace)], [namespace, *wanted])
    since = int(now) - seconds * 1000
    return {name for name, at in zip(types, times, strict=True) if at and float(at) > since}


async def look(servers: AsyncServers, namespace: str, task_type: str, queue: str) -> Offered:
    """When a type and a queue were last offered.

    Raises:
        LogUnavailable: Redis does not answer.
    """
    wanted = lines([task_type], [queue])
    names = [keys.offers(namespace)]
    now, *times = await call_async(servers, "offered", names, [namespace, *wanted])
    type_at, queue_at = (int(float(at)) if at else None for at in times)
    return Offered(int(now), type_at, queue_at)
