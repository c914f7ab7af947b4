"""Every key goes to the primary that has it; who is asked for a cluster and is none says so."""

from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost.errors import ConfigurationError, LogUnavailable
from milepost.keys import PartitionKeys
from milepost_log.connection import Standalone, connect
from milepost_log.server_checks import Watch, at_start
from milepost_log.servers import Servers, open_servers, open_servers_async
from milepost_log.slots import slot_of
from redis_users import MILEPOST, as_administrator
from valkey_cluster import ValkeyCluster, administrator, tell
from valkey_server import Valkey, free_port

from .conftest import StartCluster

TAGGED = st.text(alphabet="{}ab:\u00e9", max_size=12) | st.text(max_size=40)


def first_of(cluster_url: str) -> str:
    """The URL of one node, as if it were alone."""
    return cluster_url.replace("redis+cluster:", "redis:").partition(",")[0]


@pytest.fixture
def node(cluster_url: str) -> Generator[Standalone]:
    """One node of the cluster, as if it were alone, for an administrator."""
    with connect(as_administrator(first_of(cluster_url))) as client:
        yield client


@pytest.fixture
def servers(cluster_url: str) -> Generator[Servers]:
    with open_servers(cluster_url) as found:
        yield found


@given(key=TAGGED.filter(lambda key: not any("\ud800" <= c <= "\udfff" for c in key)))
@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_our_slot_of_a_key_is_the_server_s(node: Standalone, key: str) -> None:
    assert slot_of(key) == node.execute_command("CLUSTER", "KEYSLOT", key)  # pyright: ignore  # untyped


def test_partitions_are_at_all_primaries_and_each_is_found(
    servers: Servers, cluster_url: str, namespace: str
) -> None:
    logs = [PartitionKeys(namespace, each).log for each in range(16)]
    for log in logs:
        with servers.at(log) as client:
            client.set(log, log)  # pyright: ignore  # untyped
    assert set(servers.primaries()) == {servers.address_of(log) for log in logs}
    with administrator(cluster_url) as redis:
        assert [redis.get(log).decode() for log in logs] == logs


async def test_any_one_node_of_the_url_is_enough(cluster_url: str, namespace: str) -> None:
    last = cluster_url.rpartition(",")[2]
    url = f"redis+cluster://{MILEPOST}@127.0.0.1:{free_port()},{last}"
    log = PartitionKeys(namespace, 0).log
    with open_servers(url) as servers, servers.at(log) as client:
        client.set(log, 7)  # pyright: ignore  # untyped
    found = open_servers_async(url)
    async with found.at(log) as client:
        assert await client.get(log) == b"7"  # pyright: ignore  # untyped
    assert len(await found.primaries()) == 3
    await found.aclose()


async def test_a_cluster_that_is_away_is_an_outage_and_stops_no_start() -> None:
    url = f"redis+cluster://127.0.0.1:{free_port()}"
    at_start(url, "fsync")
    with open_servers(url) as servers, pytest.raises(LogUnavailable), servers.at("a"):
        pass
    found = open_servers_async(url)
    with pytest.raises(LogUnavailable):
        async with found.at("a"):
            pass
    with pytest.raises(LogUnavailable):
        await Watch("memory").look_async(found)
    await found.aclose()


def test_a_single_server_is_no_cluster_and_stops_the_start(own_valkey: Valkey) -> None:
    for url, reason in (
        (own_valkey.administrator_url, "cluster support disabled"),
        (own_valkey.url, r"'cluster\|slots'"),  # refused to a user who needs no cluster
    ):
        with pytest.raises(ConfigurationError, match=reason):
            at_start(url.replace("redis:", "redis+cluster:"), "memory")


def test_a_node_of_a_cluster_is_no_single_server_and_stops_the_start(cluster_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"redis\+cluster://"):
        at_start(first_of(cluster_url), "memory")


def test_every_primary_is_looked_at(start_cluster: StartCluster) -> None:
    cluster: ValkeyCluster = start_cluster()
    at_start(cluster.url, "fsync")
    careless = cluster.nodes[2]
    tell(careless, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    with pytest.raises(ConfigurationError, match=f"127.0.0.1:{careless.port}: .*allkeys-lru"):
        at_start(cluster.url, "fsync")
    tell(careless, "CONFIG", "SET", "maxmemory-policy", "noeviction")
    tell(careless, "CONFIG", "SET", "maxmemory", "100mb")
    watch = Watch("fsync")
    with open_servers(cluster.url) as servers:
        watch.look(servers)
        assert watch.fault is None
        limits = {name: one.max_bytes for name, one in watch.servers.items()}
        assert sorted(limits.values()) == [0, 0, 100 * 1024 * 1024]
        assert limits[f"127.0.0.1:{careless.port}"] > 0
        careless.kill()
        watch.look(servers)
        assert f"127.0.0.1:{careless.port}" not in watch.servers
