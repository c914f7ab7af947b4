"""Owns real Valkey clusters for tests: three primaries and some replicas. Not for the product."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.cluster import RedisCluster

from milepost_log.cluster_url import ClusterUrl
from milepost_log.connection import connect
from milepost_log.servers import Servers, open_servers
from milepost_log.slots import SLOTS, slot_of
from redis_users import MILEPOST, as_administrator
from valkey_server import Valkey, free_port
from waiting import wait_for

PRIMARIES = 3
NODE_TIMEOUT_MS = 1000

BOTH = pytest.mark.parametrize("valkey_url", ["standalone", "cluster"], indirect=True)
"""Marks tests that run on a single server and on a cluster alike."""


class ValkeyCluster:
    """Three primaries with a third of the slots each, and `replicas` of the first one."""

    def __init__(self, folder: Path, *, appendfsync: str | None = None, replicas: int = 0) -> None:
        self.nodes: list[Valkey] = []
        for number in range(PRIMARIES + replicas):
            home = folder / f"node {number}"
            home.mkdir()
            options = [
                "--cluster-enabled", "yes", "--cluster-port", str(free_port()),
                "--cluster-node-timeout", str(NODE_TIMEOUT_MS),
                "--cluster-replica-validity-factor", "0", "--cluster-allow-replica-migration", "no",
                "--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0",
            ]  # fmt: skip
            self.nodes.append(Valkey(home, appendfsync=appendfsync, options=options))
        seeds = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        self.url = f"redis+cluster://{MILEPOST}@{seeds}/0"

    def start(self) -> None:
        """Start all nodes, make them a cluster, wait until it serves every slot."""
        for node in self.nodes:
            node.start()
        first = self.nodes[0]
        for number, node in enumerate(self.nodes):
            tell(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number < PRIMARIES:
                begin, end = (SLOTS * each // PRIMARIES for each in (number, number + 1))
                tell(node, "CLUSTER", "ADDSLOTSRANGE", begin, end - 1)
            if node is not first:
                bus = bus_port(node)
                tell(first, "CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        self.until(lambda: all(self._is_whole(node) for node in self.nodes))
        for node in self.nodes[PRIMARIES:]:
            tell(node, "CLUSTER", "REPLICATE", node_id(first))
        for node in self.nodes[PRIMARIES:]:
            self.until(lambda node=node: facts(node, "replication")["master_link_status"] == "up")

    def stop(self) -> None:
        """End all nodes."""
        for node in self.nodes:
            node.kill()

    def primary_of(self, key: str) -> Valkey:
        """The node that serves a key at the beginning."""
        return self.nodes[slot_of(key) * PRIMARIES // SLOTS]

    @staticmethod
    def until(holds: Callable[[], bool], seconds: float = 20) -> None:
        """Wait for a condition; fails after the deadline."""
        wait_for(holds, "the cluster comes to it", seconds)

    def _is_whole(self, node: Valkey) -> bool:
        info = facts_of_cluster(node)
        return (
            info["cluster_state"] == "ok"
            and info["cluster_slots_ok"] == str(SLOTS)
            and info["cluster_known_nodes"] == str(len(self.nodes))
        )


def bus_port(node: Valkey) -> str:
    """The port of its cluster bus."""
    return node.options[node.options.index("--cluster-port") + 1]


def tell(node: Valkey, *command: Any) -> Any:
    """An administrator's command to one node."""
    with connect(node.administrator_url) as client:
        return client.execute_command(*command)  # pyright: ignore  # untyped


def node_id(node: Valkey) -> str:
    """Its name in the cluster."""
    return tell(node, "CLUSTER", "MYID").decode()


def facts_of_cluster(node: Valkey) -> dict[str, str]:
    """CLUSTER INFO."""
    lines = tell(node, "CLUSTER", "INFO")
    text = lines if isinstance(lines, str) else lines.decode()
    return dict(line.split(":", 1) for line in text.split() if ":" in line)


def facts(node: Valkey, section: str) -> dict[str, Any]:
    """A section of INFO."""
    with connect(node.administrator_url) as client:
        found: Any = client.info(section)  # pyright: ignore[reportUnknownMemberType]  # untyped
        return found


class Everything:
    """An administrator, to whom calls of the product may be given too: they go by its own user."""

    def __init__(self, redis: Any, servers: Servers) -> None:
        self._redis, self._servers = redis, servers

    def __getattr__(self, name: str) -> Any:
        of_ours = name in ("at", "address_of", "primaries", "anywhere", "check")
        return getattr(self._servers if of_ours else self._redis, name)


@contextmanager
def everything(url: str) -> Generator[Any]:
    """Everything there is at a URL."""
    with administrator(url) as redis, open_servers(url) as servers:
        yield Everything(redis, servers)


@contextmanager
def administrator(url: str) -> Generator[Any]:
    """A client for a test's own look at any key, by redis-py alone, who may do everything."""
    url = as_administrator(url)
    if not ClusterUrl.names_one(url):
        with redis.Redis.from_url(url) as client:  # pyright: ignore[reportUnknownMemberType]  # untyped
            yield client
        return
    nodes = ClusterUrl.parse(url)
    cluster: Any = RedisCluster.from_url(nodes.of(nodes.seeds[0]))  # pyright: ignore  # untyped
    try:
        yield cluster
    finally:
        cluster.close()
