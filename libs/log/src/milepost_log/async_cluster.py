"""Owns calls to a cluster from asyncio: each to the primary that has the key. Knows no script.

The same as `cluster`, and by the same `routing`.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Self

import redis.asyncio

from milepost.errors import LogUnavailable
from milepost_log.cluster_url import ClusterUrl
from milepost_log.connection import AsyncStandalone, connect_async, translated
from milepost_log.routing import ASKING_ANSWER_SECONDS, ASKING_CONNECT_SECONDS, Routing
from milepost_log.slots import Address


class AsyncCluster:
    """The primaries of a cluster, for one event loop."""

    def __init__(self, url: str, *, answer_seconds: float | None) -> None:
        """Connect at the first call.

        Raises:
            ConfigurationError: the URL is none of a cluster.
        """
        make = partial(connect_async, answer_seconds=answer_seconds)
        self._routing = Routing[AsyncStandalone](ClusterUrl.parse(url), make)
        self._asking = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections; it connects again when it is used again."""
        for client in self._routing.clients:
            await client.aclose()

    @asynccontextmanager
    async def at(self, key: str) -> AsyncGenerator[AsyncStandalone]:
        """The client of the primary that has `key`, with its errors translated."""
        await self._learn()
        node = self._routing.primary_of(key)
        try:
            with translated():
                yield self._routing.client(node)
        except LogUnavailable as err:
            self._routing.failed(node, err)
            raise

    async def anywhere(self) -> redis.asyncio.Redis:
        """A client to publish and subscribe with: of a node that answers.

        Raises:
            LogUnavailable: none does.
        """
        async with self._asking:
            return self._routing.client(await self._ask())

    def address_of(self, key: str) -> str:
        """A name of the primary that has `key`; empty while nobody knows."""
        return self._routing.address_of(key)

    async def primaries(self) -> dict[str, redis.asyncio.Redis]:
        """Every primary by name.

        Raises:
            LogUnavailable: no node answers.
        """
        await self._learn()
        return dict[str, redis.asyncio.Redis](self._routing.primaries)

    async def _learn(self) -> None:
        """Ask for the table where that is due; who comes meanwhile waits for the same answer."""
        if self._routing.wants_table():
            async with self._asking:
                if self._routing.wants_table():
                    with suppress(LogUnavailable):  # what was known before may still serve
                        await self._ask()

    async def _ask(self) -> Address:
        """Ask for the table; the node that gave it."""
        reason = LogUnavailable("no node of the cluster is known")
        for node in self._routing.candidates():
            try:
                async with self._briefly(node) as client:
                    with translated():
                        answer = await client.execute_command("CLUSTER", "SLOTS")  # pyright: ignore  # untyped
                self._routing.adopt(answer, node)
            except LogUnavailable as err:
                reason = err
            else:
                return node
        raise self._routing.silent(reason)

    def _briefly(self, node: Address) -> AsyncStandalone:
        """A client that does not wait long: there are other nodes to ask."""
        return connect_async(
            self._routing.url_of(node),
            answer_seconds=ASKING_ANSWER_SECONDS,
            connect_seconds=ASKING_CONNECT_SECONDS,
        )
