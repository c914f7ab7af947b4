"""The log keeps no more than it may, and always what its readers still need."""

from typing import Any

from milepost.cursors import StreamId
from milepost.keys import PartitionKeys
from milepost_log.connection import connect, connect_async
from milepost_log.reader import LogReader

HOUR_MS = 3_600_000
BUDGET = 1_000_000


class Filled:
    """A log with entries of any size, and readers of it."""

    def __init__(self, url: str, namespace: str, sizes: list[int]) -> None:
        self.keys = PartitionKeys(namespace, 0)
        self.client: Any = connect(url)
        self.ids: list[str] = []
        for size in sizes:
            fields = {"t": "progressed", "d": "x" * size}
            self.ids.append(self.client.xadd(self.keys.log, fields).decode())

    def __enter__(self) -> "Filled":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    @property
    def left(self) -> list[str]:
        return [entry.decode() for entry, _ in self.client.xrange(self.keys.log)]

    @property
    def bytes(self) -> int:
        return self.client.memory_usage(self.keys.log, samples=0)


async def tell(url: str, namespace: str, at: str, *, reader: str = "r", most: int = BUDGET) -> int:
    async with connect_async(url) as client:
        log = LogReader(client, namespace, 0, keep_bytes=lambda: most)
        return await log.checkpoint(reader, StreamId.parse(at), keep_ms=HOUR_MS)


async def test_a_log_larger_than_it_may_be_is_trimmed_though_it_is_young(
    valkey_url: str, namespace: str
):
    with Filled(valkey_url, namespace, [2000] * 2000) as log:
        assert log.bytes > 4 * BUDGET
        trimmed = await tell(valkey_url, namespace, log.ids[-1])
        assert BUDGET * 0.7 < log.bytes <= BUDGET
        assert log.left == log.ids[trimmed:]


async def test_a_few_large_entries_behind_many_small_ones_are_not_overlooked(
    valkey_url: str, namespace: str
):
    with Filled(valkey_url, namespace, [50] * 3000 + [200_000] * 10 + [50] * 3000) as log:
        await tell(valkey_url, namespace, log.ids[-1])
        assert log.bytes <= BUDGET


async def test_without_a_limit_an_hour_is_kept(valkey_url: str, namespace: str):
    with Filled(valkey_url, namespace, [2000] * 1000) as log:
        assert await tell(valkey_url, namespace, log.ids[-1], most=0) == 0
        assert log.left == log.ids


async def test_nothing_is_trimmed_that_the_slowest_reader_has_before_it(
    valkey_url: str, namespace: str
):
    with Filled(valkey_url, namespace, [2000] * 1000) as log:
        await tell(valkey_url, namespace, log.ids[100], reader="slow", most=1)
        await tell(valkey_url, namespace, log.ids[-1], reader="fast", most=1)
        assert log.ids[100] in log.left
        assert set(log.ids[100:]) <= set(log.left)
        assert len(log.left) < len(log.ids) - 50


async def test_the_checkpoint_s_own_entry_stays_however_little_may(valkey_url: str, namespace: str):
    with Filled(valkey_url, namespace, [5000] * 50) as log:
        await tell(valkey_url, namespace, log.ids[-1], most=1)
        assert log.left == log.ids[-1:]
