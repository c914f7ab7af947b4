"""Answers and requests get lost between a worker and Redis: nothing is lost or doubled by it."""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from log_probe import LogProbe
from milepost.endings import Endings
from milepost.errors import LogUnavailable
from milepost_log.attempts import Saved, StartedTask
from milepost_log.scripts import Argument
from milepost_log.servers import open_servers
from milepost_log.work import WorkLog
from milepost_worker.jobs import Job
from milepost_worker.outbox import Outbox
from milepost_worker.outcomes import outcome
from milepost_worker.session import Session
from valkey_cluster import BOTH

TASKS = 60
ENDINGS = Endings(max_result_bytes=100, chance=lambda: 0.5)


class LossyLog(WorkLog):
    """A log whose every call may be lost on the way there, or its answer on the way back."""

    dice: random.Random

    def _lossy(self, call: Callable[..., Any], *arguments: Any) -> Any:
        fate = self.dice.random()
        if fate < 0.05:
            raise LogUnavailable("the request was lost")
        answer = call(*arguments)
        if fate < 0.10:
            raise LogUnavailable("the answer was lost")
        return answer

    def _call(
        self, partition: int, name: str, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> Any:
        return self._lossy(super()._call, partition, name, keys, arguments)


@pytest.mark.parametrize(
    ("valkey_url", "seed"),
    [*[("standalone", seed) for seed in range(4)], ("cluster", 4)],
    indirect=["valkey_url"],
)
async def test_every_call_may_be_lost_and_every_task_still_runs_once(
    valkey_url: str, namespace: str, seed: int
):
    dice = random.Random(seed)
    with open_servers(valkey_url) as servers:

        def open_log() -> WorkLog:
            log = LossyLog(servers, namespace, "w1", ["default"])
            log.dice = dice
            return log

        def describe(started: StartedTask, outbox: Outbox) -> Job:
            return Job(started, "sample.noop", keep=outbox.keep)

        session = Session(
            open_log,
            partitions=1,
            threads=4,
            lease_seconds=3600,
            max_log_lines=9,
            grace_seconds=9,
            describe=describe,
        )
        async with LogProbe(valkey_url, namespace) as log:
            tasks = await log.create_many([("sample.noop", {})] * TASKS)
            work_off(session, dice)
            await log.ended(*tasks)
            log.check_invariants()
            for task in tasks:
                kinds = log.types(task)
                assert kinds.count("started") == 1, kinds
                assert kinds[-1] == "succeeded", kinds
                assert kinds.count("progressed") == 1, kinds
                assert kinds.count("logged") == 1, kinds


@BOTH
@pytest.mark.parametrize("seed", range(5))
async def test_what_a_worker_hands_back_is_queued_again_once(
    valkey_url: str, namespace: str, seed: int
):
    dice = random.Random(seed)
    with open_servers(valkey_url) as servers:
        log = LossyLog(servers, namespace, "w1", ["default"])
        log.dice = dice
        async with LogProbe(valkey_url, namespace) as probe:
            tasks = await probe.create_many([("sample.noop", {})] * 10)
            other = WorkLog(servers, namespace, "w2", ["default"])
            for _ in range(9):  # beyond MAX_CRASHES, were it counted as one
                held = {
                    task.id: task for task in insist(lambda: log.take(0, 10, holding=False)).tasks
                }
                found = insist(lambda: log.resume(0, []))
                held |= {task.id: task for task in found}
                assert held.keys() == set(tasks)
                states = [Saved(task, 1, b"state") for task in held.values()]
                assert insist(lambda: log.save(0, states)) == [1] * len(tasks)  # noqa: B023  # at once
                some = list(held.values())[:5]
                insist(lambda: log.give_back(0, some))  # noqa: B023  # at once
                insist(lambda: log.hand_back(0))
            (first, *rest) = other.take(0, 10, holding=False).tasks
            assert {task.saved for task in (first, *rest)} == {b"state"}
            await probe.follow(lambda: all(probe.types(t).count("started") == 10 for t in tasks))
            assert all(probe.types(task).count("returned") == 9 for task in tasks)


def insist(call: Callable[[], Any]) -> Any:
    """Ask until there is an answer."""
    while True:
        try:
            return call()
        except LogUnavailable:
            continue


def work_off(session: Session, dice: random.Random) -> None:
    """Run jobs as threads would, in any order, until the session has nothing more."""
    running: list[Job] = []
    ended = 0
    deadline = time.monotonic() + 30
    while ended < TASKS:
        assert time.monotonic() < deadline
        session.ring()
        job = session.next_job(0.005)
        if job is not None:
            running.append(job)
        if running and (job is None or dice.random() < 0.5):
            done = running.pop(dice.randrange(len(running)))
            done.progress.report(50)
            done.progress.log("a line")
            done.ran = True
            session.finished(done, outcome(ENDINGS, done, None, reference="r"))
            ended += 1
    while session.figures()[:2] != (0, 0):  # until the log has confirmed every end
        assert time.monotonic() < deadline
        assert session.next_job(0.005) is None
