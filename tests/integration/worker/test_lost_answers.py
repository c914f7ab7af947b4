"""Answers and requests get lost between a worker and Redis: nothing is lost or doubled by it."""

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from log_probe import LogProbe
from milepost.endings import Endings
from milepost.errors import LogUnavailable
from milepost_log.attempts import StartedTask
from milepost_log.connection import connect
from milepost_log.work import WorkLog
from milepost_worker.jobs import Job
from milepost_worker.outbox import Outbox
from milepost_worker.outcomes import outcome
from milepost_worker.session import Session

TASKS = 60
ENDINGS = Endings(max_result_bytes=100, chance=lambda: 0.5)


class LossyLog(WorkLog):
    """A log whose every call may be lost on the way there, or its answer on the way back."""

    dice: random.Random

    def _lossy(self, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        fate = self.dice.random()
        if fate < 0.15:
            raise LogUnavailable("the request was lost")
        answer = call(*arguments, **named)
        if fate < 0.30:
            raise LogUnavailable("the answer was lost")
        return answer

    def take(self, *arguments: Any, **named: Any) -> Any:
        return self._lossy(super().take, *arguments, **named)

    def resume(self, *arguments: Any, **named: Any) -> Any:
        return self._lossy(super().resume, *arguments, **named)

    def report(self, *arguments: Any, **named: Any) -> Any:
        return self._lossy(super().report, *arguments, **named)

    def finish(self, *arguments: Any, **named: Any) -> Any:
        return self._lossy(super().finish, *arguments, **named)

    def beat(self, *arguments: Any, **named: Any) -> Any:
        return self._lossy(super().beat, *arguments, **named)


@pytest.mark.parametrize("seed", range(5))
async def test_every_call_may_be_lost_and_every_task_still_runs_once(
    valkey_url: str, namespace: str, seed: int
):
    dice = random.Random(seed)
    with connect(valkey_url) as client:

        def open_log() -> WorkLog:
            log = LossyLog(client, namespace, "w1", ["default"])
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
            done.ran = True
            session.finished(done, outcome(ENDINGS, done, None, reference="r"))
            ended += 1
    while session.figures()[:2] != (0, 0):  # until the log has confirmed every end
        assert time.monotonic() < deadline
        assert session.next_job(0.005) is None
