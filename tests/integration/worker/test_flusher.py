"""What a task notes while Redis is away: it never waits, and the newest is told once it is back."""

from log_probe import LogProbe
from milepost.events import TaskLogged, TaskProgressed
from milepost_log.attempts import Outcome
from milepost_log.servers import open_servers
from milepost_log.work import WorkLog
from milepost_worker.jobs import Job
from milepost_worker.session import Session
from valkey_server import Valkey
from waiting import wait_for

NOTES = 1000


async def test_the_newest_of_each_task_is_kept_and_told_when_redis_is_back(
    durable_valkey: Valkey, namespace: str
):
    async with LogProbe(durable_valkey.url, namespace) as log:
        tasks = await log.create_many([("sample.noop", {})] * 3)
        with open_servers(durable_valkey.url) as servers:
            session = Session(
                lambda: WorkLog(servers, namespace, "w1", ["default"]),
                partitions=1, threads=4, lease_seconds=3600, grace_seconds=9, max_log_lines=9,
                describe=lambda started, outbox: Job(started, "sample.noop", keep=outbox.keep),
            )  # fmt: skip
            jobs = [job for _ in tasks if (job := session.next_job(5))]
            assert {job.started.id for job in jobs} == set(tasks)
            durable_valkey.kill()
            # This thread alone turns the session: a note that waited would wait for ever.
            for note in range(1, NOTES + 1):
                for job in jobs:
                    job.progress.report(done=note, total=2 * NOTES)
                if note % 100 == 0:
                    assert session.next_job(0.02) is None
                    jobs[0].progress.log(f"line {note}")
            assert session.figures()[2] == 1, "it knows that the log is away"
            durable_valkey.start()
            session.finished(jobs[1], Outcome(jobs[1].started, "succeeded", "{}"))
            wait_for(lambda: not (session.next_job(0.05) or any(session.figures()[1:])), "all")
            wait_for(lambda: not session.next_job(0.2), "another flush")
        ended = tasks.index(jobs[1].started.id)
        await log.ended(tasks[ended])
        await log.follow(lambda: all("progressed" in log.types(task) for task in tasks))
        for task in tasks:
            told = [event.payload for event in log.events[task]]
            amounts = [each.done for each in told if isinstance(each, TaskProgressed)]
            assert amounts == [NOTES], "the newest alone"
        assert log.types(tasks[ended])[-2:] == ["progressed", "succeeded"]
        lines = [event.payload for event in log.events[jobs[0].started.id]]
        assert [each.text for each in lines if isinstance(each, TaskLogged)] == [
            f"line {note}" for note in range(100, 1000, 100)
        ], "lines are all kept, up to the limit"
