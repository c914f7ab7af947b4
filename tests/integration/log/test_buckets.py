"""Token buckets on a real server: how much they give at once and in time, alone and together."""

import asyncio
import time
from collections.abc import AsyncGenerator

import pytest

from milepost import keys
from milepost_log.buckets import Buckets
from milepost_log.servers import AsyncServers, open_servers_async
from valkey_cluster import BOTH

pytestmark = BOTH


@pytest.fixture
async def servers(valkey_url: str) -> AsyncGenerator[AsyncServers]:
    found = open_servers_async(valkey_url)
    yield found
    await found.aclose()


async def test_a_bucket_gives_what_it_holds_and_then_what_grows(
    servers: AsyncServers, namespace: str
) -> None:
    buckets = Buckets(servers, namespace, 0.5)
    first = await buckets.take("requests", "owner", "bob", seconds=10)
    assert (first.taken, first.left) == (True, 0)
    assert 1.5 < first.wait_seconds <= first.full_seconds <= 2
    second = await buckets.take("requests", "owner", "bob", seconds=10)
    assert (second.taken, second.left) == (False, 0)
    assert 0 < second.wait_seconds <= first.wait_seconds
    other = await buckets.take("requests", "owner", "bobby", seconds=10)
    assert other.taken


async def test_what_is_left_is_told(servers: AsyncServers, namespace: str) -> None:
    buckets = Buckets(servers, namespace, 5)
    began = time.monotonic()
    told = [await buckets.take("a", seconds=10) for _ in range(5)]
    if time.monotonic() - began < 0.2:  # else one has grown meanwhile
        assert [each.left for each in told] == [4, 3, 2, 1, 0]
    assert all(each.taken for each in told)


async def test_replicas_share_a_bucket(servers: AsyncServers, namespace: str) -> None:
    here, there = (Buckets(servers, namespace, 50) for _ in range(2))
    await here.take("b", seconds=10)  # finds the servers
    began = time.monotonic()
    found = await asyncio.gather(
        *(each.take("a", seconds=10) for _ in range(200) for each in (here, there))
    )
    seconds = time.monotonic() - began
    taken = sum(each.taken for each in found)
    assert 50 <= taken <= 50 + 50 * seconds + 1  # though there are more than connections may be


async def test_a_bucket_that_is_full_again_leaves_no_key(
    servers: AsyncServers, namespace: str
) -> None:
    buckets = Buckets(servers, namespace, 20)
    assert (await buckets.take("a", seconds=10)).taken
    key = keys.limit(namespace, "a")

    async def there() -> int:
        async with servers.at(key) as client:
            return await client.exists(key)  # pyright: ignore  # untyped

    async with asyncio.timeout(10):
        while await there():  # noqa: ASYNC110  # nothing to wait on
            await asyncio.sleep(0.01)


async def test_its_key_tells_no_name(servers: AsyncServers, namespace: str) -> None:
    await Buckets(servers, namespace, 1).take("requests", "owner", "ann:%}{", seconds=10)
    assert "ann" not in keys.limit(namespace, "requests", "owner", "ann:%}{")
