"""Redis' clock may step back, as after a failover: events stay in order and say when they were."""

import time

from log_probe import LogProbe
from milepost.keys import PartitionKeys
from milepost_log.attempts import Line, Outcome, Report
from milepost_log.work import WorkLog
from valkey_cluster import BOTH, everything

pytestmark = BOTH

AHEAD_MS = 4_000_000_000_000


async def test_events_behind_an_id_of_the_future_tell_the_time_themselves(
    log: LogProbe, valkey_url: str, namespace: str
):
    with everything(valkey_url) as client:
        key = PartitionKeys(namespace, 0).log
        client.xdel(key, client.xadd(key, {"x": ""}, id=f"{AHEAD_MS}-0"))
        before_ms = time.time() * 1000 - 1000
        tasks = await log.create_many([("sample.noop", {})] * 2)
        work = WorkLog(client, namespace, "w1", ["default"])
        held = work.take(0, 2, holding=False).tasks
        work.report(0, [Report(task, 1, "50", "}") for task in held])
        work.log(0, [Line(held[0], 2, '{"text":"x"}')], most=9)
        ends = [Outcome(task, "succeeded", "{}") for task in held]
        assert work.finish(0, ends) == [True, True]
        await log.ended(*tasks)
    assert log.types(tasks[1]) == ["created", "started", "progressed", "succeeded"]
    events = [event for task in tasks for event in log.events[task]]
    assert len(events) == 9, "nothing is told twice"
    assert min(event.id.ms for event in events) == AHEAD_MS
    assert all(before_ms <= event.at <= time.time() * 1000 + 1000 for event in events)
