"""Owns what everybody asks for a connection to Redis: one server or a cluster, by the URL alone.

Each call names the key it is for. Keys of a partition share a hash tag, so a partition is at one
primary and a script needs no other; a single server is the same with one primary for all.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

import redis
import redis.asyncio

from milepost_log.async_cluster import AsyncCluster
from milepost_log.cluster import Cluster
from milepost_log.cluster_url import ClusterUrl
from milepost_log.connection import ANSWER_SECONDS, AsyncStandalone, connect, connect_async


class Servers(Protocol):
    """The primaries of a deployment, for threads. Every call may raise LogUnavailable."""

    def at(self, key: str) -> AbstractContextManager[redis.Redis]:
        """The client of the primary that has `key`, with its errors translated."""
        ...

    def check(self, key: str) -> None:
        """Return if the primary that has `key` answers within a moment, before a call for it can
        keep calls for others waiting."""
        ...

    def anywhere(self) -> redis.Redis:
        """A client to publish and subscribe with: pub/sub reaches every node."""
        ...

    def address_of(self, key: str) -> str:
        """A name of the primary that has `key`, as far as is known; asks nobody."""
        ...

    def primaries(self) -> Mapping[str, redis.Redis]:
        """Every primary by name."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


class AsyncServers(Protocol):
    """The same for asyncio."""

    def at(self, key: str) -> AbstractAsyncContextManager[AsyncStandalone]:
        """The client of the primary that has `key`, with its errors translated."""
        ...

    async def anywhere(self) -> redis.asyncio.Redis:
        """A client to publish and subscribe with: pub/sub reaches every node."""
        ...

    def address_of(self, key: str) -> str:
        """A name of the primary that has `key`, as far as is known; asks nobody."""
        ...

    async def primaries(self) -> Mapping[str, redis.asyncio.Redis]:
        """Every primary by name."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


def open_servers(url: str, *, answer_seconds: float | None = ANSWER_SECONDS) -> Servers:
    """Find the way to every primary that a URL means; connects at the first call.

    Raises:
        ConfigurationError: the URL is none of `redis`, `rediss`, `redis+cluster`, `rediss+cluster`.
    """
    if ClusterUrl.names_one(url):
        return Cluster(url, answer_seconds=answer_seconds)
    return connect(url, answer_seconds=answer_seconds)


def open_servers_async(url: str, *, answer_seconds: float | None = ANSWER_SECONDS) -> AsyncServers:
    """The same for asyncio."""
    if ClusterUrl.names_one(url):
        return AsyncCluster(url, answer_seconds=answer_seconds)
    return connect_async(url, answer_seconds=answer_seconds)
