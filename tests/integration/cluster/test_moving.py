"""Slots move to other nodes while tasks run: calls follow them, and no step is done by halves."""

import asyncio
from typing import Any

import pytest

from log_probe import LogProbe
from milepost.errors import LogUnavailable
from milepost.keys import PartitionKeys
from milepost_log.attempts import Outcome
from milepost_log.servers import Servers, open_servers
from milepost_log.slots import slot_of
from milepost_log.work import WorkLog
from redis_users import ADMINISTRATOR
from surroundings import StartWorker
from valkey_cluster import ValkeyCluster, administrator, node_id, tell
from valkey_server import Valkey

from .conftest import StartCluster

PARTITIONS = 16
OWNERS = 40
EACH = 10


def other_than(cluster: ValkeyCluster, node: Valkey) -> Valkey:
    return next(each for each in cluster.nodes if each is not node)


def move_whole(source: Valkey, target: Valkey, slot: int) -> None:
    """Move a slot as Valkey 9 does: the target has all of it, and then it is the target's."""
    tell(source, "CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", node_id(target))


def owned_by(node: Valkey, slot: int) -> bool:
    me = node_id(node).encode()
    return any(
        row[0] <= slot <= row[1] and row[2][2] == me for row in tell(node, "CLUSTER", "SLOTS")
    )


async def test_every_partition_moves_while_tasks_are_made_and_run(
    start_cluster: StartCluster, start_worker: StartWorker, namespace: str
) -> None:
    cluster = start_cluster()
    for _ in range(2):
        start_worker(cluster.url, partitions=PARTITIONS, durability="fsync")
    async with LogProbe(cluster.url, namespace, PARTITIONS) as log:
        tasks: list[str] = []

        async def make(number: int) -> None:
            requests: list[tuple[str, dict[str, Any]]] = [("sample.sleep", {"seconds": 0.02})]
            while True:
                try:
                    tasks.extend(await log.create_many(requests * EACH, owner=f"owner {number}"))
                    return
                except LogUnavailable:  # the slot has just moved: once more, as submit does
                    await asyncio.sleep(0.05)

        def move(partition: int) -> None:
            key = PartitionKeys(namespace, partition).log
            source = cluster.primary_of(key)
            target = other_than(cluster, source)
            move_whole(source, target, slot_of(key))
            cluster.until(lambda: owned_by(target, slot_of(key)))

        async def move_all() -> None:
            for partition in range(PARTITIONS):
                await asyncio.to_thread(move, partition)

        moving = asyncio.create_task(move_all())
        for number in range(OWNERS):
            await make(number)
        await moving
        await log.ended(*tasks, seconds=60)
        log.check_invariants()
        assert len(set(tasks)) == len(tasks) == OWNERS * EACH
        assert {log.end_of(task) for task in tasks} == {"succeeded"}
        for task in tasks:
            assert log.types(task).count("created") == 1


class HalfMoved:
    """A partition whose slot is on its way to another node, key by key."""

    def __init__(self, cluster: ValkeyCluster, namespace: str) -> None:
        self.keys = PartitionKeys(namespace, 0)
        self.slot = slot_of(self.keys.log)
        self.source = cluster.primary_of(self.keys.log)
        self.target = other_than(cluster, self.source)

    def begin(self) -> None:
        tell(self.target, "CLUSTER", "SETSLOT", self.slot, "IMPORTING", node_id(self.source))
        tell(self.source, "CLUSTER", "SETSLOT", self.slot, "MIGRATING", node_id(self.target))

    def move(self, *names: bytes) -> None:
        to, who = self.target.port, ADMINISTRATOR.split(":")
        for name in names:
            tell(self.source, "MIGRATE", "127.0.0.1", to, name, 0, 5000, "AUTH2", *who)

    def end(self) -> None:
        for node in (self.target, self.source):
            tell(node, "CLUSTER", "SETSLOT", self.slot, "NODE", node_id(self.target))

    @property
    def names(self) -> list[bytes]:
        """Its keys that have not moved yet, the log at the end."""
        found: list[bytes] = tell(self.source, "CLUSTER", "GETKEYSINSLOT", self.slot, 1000)
        return sorted(found, key=lambda name: name.endswith(b":log"))


async def test_a_slot_that_moves_key_by_key_is_unavailable_and_no_step_is_done_by_halves(
    start_cluster: StartCluster, namespace: str
) -> None:
    cluster = start_cluster()
    half = HalfMoved(cluster, namespace)
    servers: Servers
    async with LogProbe(cluster.url, namespace) as log:
        with open_servers(cluster.url) as servers, administrator(half.source.url) as source:
            work = WorkLog(servers, namespace, "w1", ["default"])
            first, second = await log.create_many([("a.b", {}), ("a.b", {})])
            [one] = work.take(0, 1, holding=False).tasks
            half.begin()
            # At first everything is there still, but what is absent may be at the target.
            for moved in ((), [name for name in half.names if b":task:" in name]):
                half.move(*moved)
                before = {name: source.dump(name) for name in half.names}
                with pytest.raises(LogUnavailable):
                    await log.create("a.b")
                with pytest.raises(LogUnavailable):
                    work.finish(0, [Outcome(one, "succeeded", "{}")])
                with pytest.raises(LogUnavailable):
                    work.take(0, 1, holding=True)
                assert {name: source.dump(name) for name in half.names} == before

            half.move(*half.names)
            with pytest.raises(LogUnavailable):  # all of it is there, but nobody has said so yet
                await log.create("a.b")
            servers.anywhere()  # asks for the table, which what failed would have done by and by
            half.end()
            with pytest.raises(LogUnavailable):
                work.finish(0, [Outcome(one, "succeeded", "{}")])  # MOVED, and the table is new
            assert work.finish(0, [Outcome(one, "succeeded", "{}")]) == [True]
            [two] = work.take(0, 1, holding=False).tasks
            assert [one.id, two.id] == [first, second]
            assert work.finish(0, [Outcome(two, "succeeded", "{}")]) == [True]
        await log.ended(first, second)
        log.check_invariants()
