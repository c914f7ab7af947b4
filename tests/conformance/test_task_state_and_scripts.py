"""The Lua scripts and the Python state machine decide alike, whatever is asked in whatever order.

Every history is run against a real server; the log it makes is folded by `task_state`, and every
answer is compared with what `decide` would have said. Every script is called twice in a row, since
answers get lost: the second call has to change nothing.
"""

import asyncio
from contextlib import aclosing
from itertools import count
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost import task_state as ts
from milepost.codec import decode
from milepost.cursors import ZERO
from milepost.errors import Refused
from milepost.events import (
    Payload,
    Problem,
    TaskCancelled,
    TaskCreated,
    TaskFailed,
    TaskProgressed,
    TaskSucceeded,
)  # fmt: skip
from milepost_log.attempts import Outcome, Report, StartedTask
from milepost_log.commands import CommandLog, NewTask
from milepost_log.reader import LogReader
from milepost_log.servers import open_servers, open_servers_async
from milepost_log.work import WorkLog
from valkey_cluster import BOTH

NUMBERS = count()
CREATED = TaskCreated(task_type="a.b", title="T", queue="default", params={})
OUTCOMES: dict[str, TaskSucceeded | TaskFailed | TaskCancelled] = {
    "succeeded": TaskSucceeded(result=1),
    "failed": TaskFailed(error=Problem(code="c", message="m", reference="r"), failures=1),
    "cancelled": TaskCancelled(),
}
WORKERS = ("w1", "w2")
STEP = st.one_of(
    st.tuples(st.just("create")),
    st.tuples(st.just("start"), st.sampled_from(WORKERS)),
    st.tuples(st.just("report"), st.sampled_from(WORKERS), st.integers(0, 99)),
    st.tuples(st.just("finish"), st.sampled_from(WORKERS), st.sampled_from(sorted(OUTCOMES))),
    st.tuples(st.just("lose"), st.sampled_from(WORKERS)),
    st.tuples(st.just("hand back"), st.sampled_from(WORKERS)),
    st.tuples(st.just("cancel")),
    st.tuples(st.just("dismiss")),
)


class History:
    """One task's life, driven on both sides."""

    def __init__(self, url: str, namespace: str) -> None:
        self.url, self.namespace = url, namespace
        self.id = str(uuid4())
        self.state: ts.TaskState | None = None
        self.expected: list[Payload] = []
        self.held: dict[str, StartedTask] = {}
        self.sequence = 0

    async def run(self, steps: list[tuple[str, ...]]) -> list[Payload]:
        with open_servers(self.url) as servers:
            self.work = {
                name: WorkLog(servers, self.namespace, name, ["default"]) for name in WORKERS
            }
            async with aclosing(open_servers_async(self.url)) as commands:
                self.log = CommandLog(commands, self.namespace, 1)
                await self.log.prepare()
                for step in steps:
                    for _ in range(2):
                        await self.take(step)
                entries = await LogReader(commands, self.namespace, 0).read(
                    ZERO, count=1000, block_ms=1
                )
        return [decode(0, entry.id, entry.fields).payload for entry in entries]

    def decide(self, command: ts.Command) -> bool:
        """Note what the state machine says; whether it allows the command."""
        try:
            events = ts.decide(self.state, command)
        except Refused:
            return False
        self.expected += events
        self.state = ts.fold(events, self.state)
        return True

    async def take(self, step: tuple[str, ...]) -> None:
        match step:
            case ("create",):
                self.decide(ts.CreateTask(CREATED))
                await self.log.create("bob", [NewTask(self.id, "f", CREATED)], max_live=9)
            case ("start", worker):
                taken = self.work[worker].take(0, 1, holding=False).tasks
                if taken:
                    assert self.decide(ts.StartTask(worker))
                    self.held[worker] = taken[0]
                else:
                    assert self.state is None or self.state.status not in ts.WAITING
            case ("report", worker, percent):
                self.report(worker, int(percent))
            case ("finish", worker, kind):
                if worker in self.held:
                    held = self.held[worker]
                    allowed = self.decide(ts.FinishTask(held.attempt, worker, OUTCOMES[kind]))
                    data = OUTCOMES[kind].model_dump_json(exclude_defaults=True)
                    outcome = Outcome(held, kind, data)  # pyright: ignore[reportArgumentType]  # sampled from the keys
                    assert self.work[worker].finish(0, [outcome]) == [allowed]
            case ("lose", worker):
                other = next(name for name in WORKERS if name != worker)
                beats = self.work[other].take(0, 0, holding=False).beats
                if worker in beats:
                    self.returned(worker, "worker_lost")
                    self.work[other].take_over(0, worker, beats[worker])
            case ("hand back", worker):
                self.returned(worker, "shutdown")
                self.work[worker].hand_back(0)
            case ("cancel",):
                self.decide(ts.CancelTask()) if self.state else None
                await self.log.cancel("bob", self.id)
            case _:
                allowed = self.state is not None and self.decide(ts.DismissTask())
                assert (await self.log.dismiss("bob", self.id) == "ok") == allowed

    def report(self, worker: str, percent: int) -> None:
        if worker not in self.held:
            return
        held = self.held[worker]
        self.sequence += 1
        mine = self.state is not None and self.state.worker == worker
        told = ts.ReportProgress(held.attempt, TaskProgressed(progress=percent))
        allowed = mine and self.decide(told)
        asked = self.state is not None and self.state.cancel_requested
        report = Report(held, self.sequence, str(percent), "}")
        answer = (2 if asked else 1) if allowed else 0
        assert self.work[worker].report(0, [report, report]) == [answer, answer]

    def returned(self, worker: str, reason: str) -> None:
        if self.state is None or self.state.status != "running" or self.state.worker != worker:
            return
        assert self.decide(ts.ReturnTask(worker, reason, self.id[-12:]))  # pyright: ignore[reportArgumentType]  # one of two


@BOTH
@given(st.lists(STEP, max_size=25))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_scripts_and_state_machine_agree_on_every_history(
    valkey_url: str, namespace: str, steps: list[tuple[str, ...]]
):
    history = History(valkey_url, f"{namespace}.{next(NUMBERS)}")
    logged = asyncio.run(history.run([("create",), *steps]))
    assert logged == history.expected
    ends = [event for event in logged if event.type.removeprefix("task.") in ts.ENDED]
    assert len(ends) <= 1


@BOTH
@pytest.mark.parametrize("kind", sorted(OUTCOMES))
def test_a_zombie_worker_cannot_finish_a_task_that_was_taken_over(
    valkey_url: str, namespace: str, kind: str
):
    history = History(valkey_url, namespace)
    steps = [("create",), ("start", "w1"), ("lose", "w1"), ("start", "w2"), ("finish", "w1", kind)]
    logged = asyncio.run(history.run([*steps, ("finish", "w2", "succeeded")]))
    assert [event.type for event in logged] == [
        "task.created", "task.started", "task.returned", "task.started", "task.succeeded",
    ]  # fmt: skip
