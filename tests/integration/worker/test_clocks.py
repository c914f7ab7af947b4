"""A worker's wall clock may jump: who is dead, and when to look, is told by the other clock."""

import time
from itertools import count

import pytest

from log_probe import LogProbe
from milepost_log.attempts import Outcome
from milepost_log.servers import open_servers
from milepost_log.work import WorkLog
from milepost_worker.jobs import Job
from milepost_worker.session import Session

DAY = 86_400.0


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["ahead", "back"])
async def test_a_wall_clock_that_jumps_takes_nothing_from_the_living_and_delays_nothing(
    log: LogProbe, valkey_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch, jump: float
):
    numbers = count()
    with open_servers(valkey_url) as servers:

        def session() -> Session:
            return Session(
                lambda: WorkLog(servers, namespace, f"w{next(numbers)}", ["default"]),
                partitions=1, threads=1, lease_seconds=9, grace_seconds=9, max_log_lines=9,
                describe=lambda started, outbox: Job(started, "sample.noop"),
            )  # fmt: skip

        holds, watches = session(), session()
        task = await log.create("sample.noop")
        held = holds.next_job(10)
        assert held is not None
        real = time.time
        for jumps in range(3):
            monkeypatch.setattr(time, "time", lambda jumps=jumps: real() + jumps * jump)
            watches.ring()
            assert watches.next_job(0.05) is None, "it was taken from the living"
        other = await log.create("sample.noop")
        monkeypatch.setattr(time, "time", lambda: real() + 3 * jump)
        found = watches.next_job(10)  # at the next sweep
        assert found is not None
        assert found.started.id == other
        for by, job in ((holds, held), (watches, found)):
            by.finished(job, Outcome(job.started, "succeeded", "{}"))
            assert by.next_job(0.1) is None
    await log.ended(task, other)
    assert log.types(task) == log.types(other) == ["created", "started", "succeeded"]
