"""Owns which workers are there, of which build, and what they run. Decides nothing."""

import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, cast

from milepost import keys
from milepost.keys import PartitionKeys
from milepost_log.scripts import call, call_async
from milepost_log.servers import AsyncServers, Servers

KEEP_SECONDS = 3600
"""A worker that was not heard of for so long is forgotten."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A task that a worker runs."""

    worker: str
    owner: str
    id: str
    type: str
    attempt: int
    since_ms: int


def build_of(given: str) -> str:
    """The build that workers name: what is set, else the version of Milepost."""
    return given or re.sub(r"[^A-Za-z0-9._+-]", "-", version("milepost"))


def appear(servers: Servers, namespace: str, worker: str, build: str) -> None:
    """Say that a worker is there; repeat it at least once a lease.

    Raises:
        LogUnavailable: Redis does not answer.
    """
    call(servers, "note", [keys.workers(namespace)], [f"{worker} {build}", KEEP_SECONDS])


async def heard_of(servers: AsyncServers, namespace: str) -> dict[str, str]:
    """Workers that were heard of within the last hour, with their builds.

    Raises:
        LogUnavailable: Redis does not answer.
    """
    key = keys.workers(namespace)
    async with servers.at(key) as client:
        found = cast(list[bytes], await client.zrange(key, 0, -1))  # pyright: ignore  # untyped
    pairs = (member.decode().rpartition(" ") for member in found)
    return {worker: build for worker, _, build in pairs}


async def held(servers: AsyncServers, namespace: str, partition: int) -> list[Holding]:
    """What workers run in a partition, some hundred tasks at most.

    Raises:
        LogUnavailable: Redis does not answer.
    """
    names = PartitionKeys(namespace, partition)
    rows: list[Any] = await call_async(servers, "holdings", [names.log], [names.prefix])
    return [
        Holding(
            worker.decode(), owner.decode(), id.decode(), kind.decode(), int(attempt), int(since)
        )
        for worker, owner, id, kind, attempt, since in rows
    ]
