"""Redis at its maxmemory: nothing new gets in, and what is there still ends."""

from typing import Any

import pytest

from log_probe import LogProbe
from milepost.cursors import ZERO, StreamId
from milepost.errors import LogFull
from milepost.keys import PartitionKeys
from milepost_log.connection import connect, connect_async
from milepost_log.reader import Entry, LogReader
from surroundings import StartWorker
from valkey_cluster import facts, tell
from valkey_server import Valkey


def fill(server: Valkey) -> None:
    """Leave no byte: every write that needs memory is refused from here on."""
    tell(server, "CONFIG", "SET", "maxmemory", facts(server, "memory")["used_memory"] // 2)


async def test_every_task_ends_though_not_a_byte_is_left(
    own_valkey: Valkey, namespace: str, start_worker: StartWorker
):
    async with LogProbe(own_valkey.url, namespace) as log:
        tasks = await log.create_many([("sample.count", {"upto": 50})] * 60)
        tasks += await log.create_many([("sample.flaky", {"fail_times": 1})] * 5)
        fill(own_valkey)
        with pytest.raises(LogFull):
            await log.create("sample.noop")
        start_worker(own_valkey.url)
        await log.ended(*tasks, seconds=60)
        assert {log.end_of(task) for task in tasks} == {"succeeded"}
        log.check_invariants()


async def test_a_reader_goes_on_and_trims_though_not_a_byte_is_left(
    own_valkey: Valkey, namespace: str
):
    keys = PartitionKeys(namespace, 0)
    with connect(own_valkey.url) as sync:
        client: Any = sync
        for _ in range(200):
            client.xadd(keys.log, {"t": "junk", "d": "x" * 2000})
        fill(own_valkey)
        async with connect_async(own_valkey.url) as asynchronous:
            reader = LogReader(asynchronous, namespace, 0, keep_bytes=lambda: 1)
            entries = await reader.read(ZERO, count=1000, block_ms=1)
            await reader.bury(entries[0], "junk")
            await reader.bury(entries[0], "junk")
            await reader.bury(Entry(b"1-1", {b"t": b"x" * 10_000_000}), "large")
            position = StreamId.parse(entries[-1].id)
            assert await reader.checkpoint("r", position, keep_ms=3_600_000) > 190
        letters = [fields for _, fields in client.xrange(keys.dead)]
        assert [letter[b"reason"] for letter in letters] == [b"junk", b"large"]
        assert len(letters[1][b".t"]) == 500
