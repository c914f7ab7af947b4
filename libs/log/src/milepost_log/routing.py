"""Owns what is known of a cluster's nodes: the slot table, when to ask for it anew, and whom.

No I/O of its own: clients are made by an argument and connect at their first call. Shared by the
cluster for threads and the one for asyncio.
"""

import time
from collections.abc import Callable
from random import shuffle
from typing import Any, Generic, TypeVar, cast

from redis.exceptions import MovedError, NoPermissionError

from milepost.errors import InvalidValue, LogFull, LogUnavailable
from milepost_log.cluster_url import ClusterUrl
from milepost_log.slots import Address, SlotTable, read_slots

ASK_SECONDS = 0.5
"""A table that something went wrong with is asked for at most so often."""
ASKING_CONNECT_SECONDS, ASKING_ANSWER_SECONDS = 0.5, 1.0
"""So long a node may take to give it: there are others to ask."""

Client = TypeVar("Client")


class NoCluster(LogUnavailable):
    """A server that is asked for its cluster has none, or does not tell this user: no outage."""


class Routing(Generic[Client]):
    """Gives the client of a key's primary. Safe to use from several threads."""

    def __init__(self, url: ClusterUrl, make: Callable[[str], Client]) -> None:
        """Connect nowhere.

        Args:
            make: makes the client of one node's URL.

        Raises:
            ConfigurationError: the URL has options that redis-py does not know.
        """
        self._url = url
        self._make = make
        self._clients: dict[Address, Client] = {}
        self._table: SlotTable | None = None
        self._first: Address | None = None
        self._suspect: Address | None = None
        self._stale = True
        self._asked_at = float("-inf")
        self._silence = LogUnavailable("no node of the cluster has answered yet")
        self.client(url.seeds[0])

    def primary_of(self, key: str) -> Address:
        """Where a key is.

        Raises:
            LogUnavailable: nobody has told so far, or nobody serves its slot.
        """
        if self._table is None:
            raise self._silence
        found = self._table.primary_of(key)
        if found is None:
            self._stale = True
            raise LogUnavailable(f"no node of the cluster serves {key[:100]!r} now")
        return found

    def address_of(self, key: str) -> str:
        """Name of the primary that has a key, as far as is known; empty when it is not."""
        found = None if self._table is None else self._table.primary_of(key)
        return "" if found is None else str(found)

    def client(self, node: Address) -> Client:
        """The client of a node, made once."""
        found = self._clients.get(node)
        if found is None:
            found = self._clients.setdefault(node, self._make(self._url.of(node)))
        return found

    @property
    def clients(self) -> list[Client]:
        """All there are, to close them."""
        return list(self._clients.values())

    @property
    def primaries(self) -> dict[str, Client]:
        """The client of each primary, by the name that `address_of` gives it.

        Raises:
            LogUnavailable: nobody has told of any so far.
        """
        if self._table is None:
            raise self._silence
        return {str(each): self.client(each) for each in self._table.primaries}

    def url_of(self, node: Address) -> str:
        """Where to ask a node for the table."""
        return self._url.of(node)

    def failed(self, node: Address, err: LogUnavailable) -> None:
        """Note that a call to a node failed: perhaps its slots have moved."""
        if isinstance(err, LogFull):
            return
        cause = err.__cause__
        if isinstance(cause, MovedError):
            host = cast(str, cause.host)  # pyright: ignore[reportUnknownMemberType]  # untyped
            self._first = Address(host or node.host, int(cause.port))
            self._asked_at = float("-inf")
        else:
            self._suspect = node
        self._stale = True

    def wants_table(self) -> bool:
        """Whether to ask for the table now."""
        return self._stale and time.monotonic() - self._asked_at >= ASK_SECONDS

    def candidates(self) -> list[Address]:
        """Whom to ask for the table, one after the other until one gives it."""
        self._asked_at = time.monotonic()
        known = [] if self._table is None else list(self._table.primaries)
        shuffle(known)  # one that is cut off from the others knows old things
        first = [] if self._first is None else [self._first]
        order = list(dict.fromkeys([*first, *known, *self._url.seeds]))
        return sorted(order, key=lambda node: node == self._suspect and node != self._first)

    def adopt(self, answer: Any, node: Address) -> None:
        """Take in what a node answered to CLUSTER SLOTS.

        Raises:
            LogUnavailable: it was of no use.
        """
        try:
            table = read_slots(answer, node)
        except InvalidValue as err:
            raise LogUnavailable(f"{node}: {err}") from err
        if not table.primaries:
            raise LogUnavailable(f"{node} knows of no other node of its cluster")
        self._table, self._stale, self._first = table, False, None

    def silent(self, last: LogUnavailable) -> LogUnavailable:
        """What to raise when no node gave the table; `last`: what the last one asked said."""
        refused = isinstance(last.__cause__, NoPermissionError)
        none = refused or "cluster support disabled" in str(last)
        kind = NoCluster if none else LogUnavailable
        self._silence = kind(f"no node gives the slots of the cluster; the last one asked: {last}")
        return self._silence
