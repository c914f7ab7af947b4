"""Workers come and go; what Redis keeps of them goes with them."""

from typing import Any

from log_probe import LogProbe
from milepost.keys import PRIORITIES, PartitionKeys
from milepost_log.work import WorkLog
from valkey_cluster import BOTH, everything

pytestmark = BOTH


def consumers(client: Any, namespace: str) -> set[str]:
    """Of every stream of the partition's queues."""
    keys = PartitionKeys(namespace, 0)
    streams = [keys.claimed]
    for priority in PRIORITIES:
        streams += [keys.queue("default", priority), keys.express("default", priority)]
    return {
        row["name"].decode()
        for stream in streams
        if client.exists(stream)
        for group in client.xinfo_groups(stream)
        for row in client.xinfo_consumers(stream, group["name"])
    }


async def test_dead_consumers_do_not_pile_up(log: LogProbe, valkey_url: str, namespace: str):
    for priority in PRIORITIES:
        await log.create_many([("sample.noop", {})] * 70, priority=priority)
    with everything(valkey_url) as client:
        lives = WorkLog(client, namespace, "lives", ["default"])
        for number in range(4):
            dies = WorkLog(client, namespace, f"w{number}", ["default"])
            taken = dies.take(0, 30, holding=False)
            assert len(taken.tasks) == 30
            if number % 2 == 0:
                dies.hand_back(0)
            else:
                beats = lives.take(0, 0, holding=False).beats[dies.worker]
                lives.take_over(0, dies.worker, beats)
        assert consumers(client, namespace) <= {"lives"}
        assert lives.take(0, 0, holding=False).beats.keys() == {"lives"}
