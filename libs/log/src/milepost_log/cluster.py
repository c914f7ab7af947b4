"""Owns calls to a cluster from threads: each to the primary that has the key. Knows no script.

Whatever fails is LogUnavailable, a slot that has moved too: callers repeat their steps knowingly,
and by then the table has been asked for anew. A slot on its way (ASK) is unavailable until it has
arrived: a script would find half of its keys at either end.
"""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial
from threading import Lock
from types import TracebackType
from typing import Self

import redis

from milepost.errors import LogUnavailable
from milepost_log.cluster_url import ClusterUrl
from milepost_log.connection import Standalone, connect, translated
from milepost_log.routing import ASKING_ANSWER_SECONDS, ASKING_CONNECT_SECONDS, Routing
from milepost_log.slots import Address


class Cluster:
    """The primaries of a cluster. Safe to use from several threads."""

    def __init__(self, url: str, *, answer_seconds: float | None) -> None:
        """Connect at the first call.

        Raises:
            ConfigurationError: the URL is none of a cluster.
        """
        make = partial(connect, answer_seconds=answer_seconds)
        self._routing = Routing[Standalone](ClusterUrl.parse(url), make)
        self._asking = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; it connects again when it is used again."""
        for client in self._routing.clients:
            client.close()

    @contextmanager
    def at(self, key: str) -> Generator[redis.Redis]:
        """The client of the primary that has `key`, with its errors translated."""
        self._learn()
        node = self._routing.primary_of(key)
        try:
            with translated():
                yield self._routing.client(node)
        except LogUnavailable as err:
            self._routing.failed(node, err)
            raise

    def check(self, key: str) -> None:
        """Raise LogUnavailable unless the primary that has `key` answers within a moment."""
        self._learn()
        node = self._routing.primary_of(key)
        try:
            with self._briefly(node) as client, translated():
                client.ping()  # pyright: ignore  # untyped
        except LogUnavailable as err:
            self._routing.failed(node, err)
            raise

    def anywhere(self) -> redis.Redis:
        """A client to publish and subscribe with: of a node that answers.

        Raises:
            LogUnavailable: none does.
        """
        with self._asking:
            return self._routing.client(self._ask())

    def address_of(self, key: str) -> str:
        """A name of the primary that has `key`; empty while nobody knows."""
        return self._routing.address_of(key)

    def primaries(self) -> dict[str, redis.Redis]:
        """Every primary by name.

        Raises:
            LogUnavailable: no node answers.
        """
        self._learn()
        return dict[str, redis.Redis](self._routing.primaries)

    def _learn(self) -> None:
        """Ask for the table where that is due; who comes meanwhile waits for the same answer."""
        if self._routing.wants_table():
            with self._asking:
                if self._routing.wants_table():
                    with suppress(LogUnavailable):  # what was known before may still serve
                        self._ask()

    def _ask(self) -> Address:
        """Ask for the table; the node that gave it."""
        reason = LogUnavailable("no node of the cluster is known")
        for node in self._routing.candidates():
            try:
                with self._briefly(node) as client, translated():
                    answer = client.execute_command("CLUSTER", "SLOTS")  # pyright: ignore  # untyped
                self._routing.adopt(answer, node)
            except LogUnavailable as err:
                reason = err
            else:
                return node
        raise self._routing.silent(reason)

    def _briefly(self, node: Address) -> Standalone:
        """A client that does not wait long: there are other nodes to ask."""
        return connect(
            self._routing.url_of(node),
            answer_seconds=ASKING_ANSWER_SECONDS,
            connect_seconds=ASKING_CONNECT_SECONDS,
        )
