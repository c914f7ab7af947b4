"""The Lua scripts and the Python state machine decide alike, whatever is asked in whatever order.

One task lives on a real server and in `task_state` at once: every answer has to be what `decide`
would have said, and the log what it gave. Every call is sent twice, since answers get lost: the
second one has to change nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from milepost import events as e
from milepost import task_state as ts
from milepost.codec import decode, encode_data
from milepost.errors import Refused
from milepost.events import Event, Payload, Problem
from milepost.keys import PartitionKeys
from milepost_log.attempts import Line, Outcome, Report, Saved, StartedTask
from milepost_log.commands import CommandLog, NewTask
from milepost_log.servers import AsyncServers, Servers, open_servers, open_servers_async
from milepost_log.work import Fenced, WorkLog
from valkey_cluster import BOTH

NUMBERS = count()
CREATED = e.TaskCreated(task_type="a.b", title="T", queue="default", params={})
OOPS = Problem(code="c", message="m", reference="r")
ENDS: dict[str, Callable[[int], e.TaskSucceeded | e.TaskFailed | e.TaskCancelled]] = {
    "succeeded": lambda failures: e.TaskSucceeded(result=1),
    "failed": lambda failures: e.TaskFailed(error=OOPS, failures=failures),
    "cancelled": lambda failures: e.TaskCancelled(),
}
WORKERS = ("w1", "w2")
HOUR_MS = 3_600_000
FULL = 99  # more lines than a history has

workers, kinds = st.sampled_from(WORKERS), st.sampled_from(sorted(ENDS))
delays = st.sampled_from((0, 0, 0, HOUR_MS))
was_started = precondition(lambda self: bool(self.held))


class TwoSided(RuleBasedStateMachine):
    """One task of one owner, driven on both sides."""

    def __init__(self, url: str, namespace: str) -> None:
        super().__init__()
        self.url, self.namespace = url, namespace

    @initialize(delay_ms=st.sampled_from((None, None, 0, 0, HOUR_MS)))
    def begin(self, delay_ms: int | None) -> None:
        self.stack = ExitStack()
        self.runner = self.stack.enter_context(asyncio.Runner())
        self.servers: Servers = self.stack.enter_context(open_servers(self.url))
        self.work = {
            name: WorkLog(self.servers, self.namespace, name, ["default"]) for name in WORKERS
        }
        self.commands: AsyncServers = self.wait(self.connected())
        self.log = CommandLog(self.commands, self.namespace, 1)
        self.wait(self.log.prepare())
        self.keys = PartitionKeys(self.namespace, 0)
        self.id, self.delay_ms = str(uuid4()), delay_ms
        self.state: ts.TaskState | None = None
        self.due = delay_ms != HOUR_MS
        self.expected: list[Payload] = []
        self.held: dict[str, StartedTask] = {}
        self.saved, self.sequence = b"", 0
        self.create()

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.wait(self.commands.aclose())
            self.stack.close()

    async def connected(self) -> AsyncServers:
        return open_servers_async(self.url)

    def wait(self, call: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(call)

    def decide(self, command: ts.Command) -> bool:
        """Note what the state machine says; whether it allows the command."""
        try:
            events = ts.decide(self.state, command)
        except Refused:
            return False
        self.expected += events
        self.state = ts.fold(events, self.state)
        return True

    @property
    def now(self) -> ts.TaskState:
        assert self.state is not None
        return self.state

    def runs_at(self, worker: str) -> bool:
        return self.now.status == "running" and self.now.worker == worker

    def is_of(self, held: StartedTask, worker: str) -> bool:
        """Whether this attempt is the one that runs."""
        return self.runs_at(worker) and self.now.attempt == held.attempt

    def told(self, held: StartedTask, worker: str) -> int:
        """What news of an attempt are answered with."""
        return (1 + self.now.cancel_requested) * self.is_of(held, worker)

    @was_started
    @rule()
    def create(self) -> None:
        created = CREATED.model_copy(update={"runs_at": None if self.delay_ms is None else 0})
        for _ in range(2):
            was_there = self.state is not None
            assert self.decide(ts.CreateTask(created))
            asked = NewTask(self.id, "f", CREATED, self.delay_ms)
            (accepted,) = self.wait(self.log.create("bob", [asked], max_live=1))
            assert (accepted.id, accepted.replayed) == (self.id, was_there)

    @rule()
    def first_takes(self) -> None:
        self.start("w1")

    @rule()
    def second_takes(self) -> None:
        self.start("w2")

    def start(self, worker: str) -> None:
        for _ in range(2):
            may_start = self.now.status in ts.WAITING and self.due
            taken = self.work[worker].take(0, 1, holding=False).tasks
            assert [task.id for task in taken] == [self.id] * may_start
            if may_start:
                failures, crashes = self.now.failures, self.now.crashes
                assert self.decide(ts.StartTask(worker))
                (found,) = taken
                self.held[worker] = found
                assert (found.attempt, found.saved) == (self.now.attempt, self.saved)
                assert (found.failures, found.crashes) == (failures, crashes)

    @was_started
    @rule(worker=workers)
    def resume(self, worker: str) -> None:
        for _ in range(2):
            found = [(task.entry, task.attempt) for task in self.work[worker].resume(0, [])]
            held = self.held.get(worker)
            assert found == ([(held.entry, held.attempt)] if held and self.runs_at(worker) else [])

    @was_started
    @rule(worker=workers, percent=st.integers(0, 99))
    def report(self, worker: str, percent: int) -> None:
        if worker in self.held:
            held, answer = self.next_note(worker)
            if answer:
                progressed = e.TaskProgressed(progress=percent)
                assert self.decide(ts.ReportProgress(held.attempt, progressed))
            report = Report(held, self.sequence, str(percent), "}")
            for _ in range(2):
                assert self.work[worker].report(0, [report, report]) == [answer, answer]

    @was_started
    @rule(worker=workers)
    def write_line(self, worker: str) -> None:
        if worker in self.held:
            held, answer = self.next_note(worker)
            told = e.TaskLogged(text=str(self.sequence))
            self.expected += [told] if answer else []
            line = Line(held, self.sequence, encode_data(told))
            for _ in range(2):
                assert self.work[worker].log(0, [line, line], most=FULL) == [answer, answer]

    @was_started
    @rule(worker=workers)
    def save(self, worker: str) -> None:
        if worker in self.held:
            held, answer = self.next_note(worker)
            state = b"%d" % self.sequence
            self.saved = state if answer else self.saved
            for _ in range(2):
                states = [Saved(held, self.sequence, state), Saved(held, self.sequence, b"late")]
                assert self.work[worker].save(0, states) == [answer, answer]

    def next_note(self, worker: str) -> tuple[StartedTask, int]:
        self.sequence += 1
        held = self.held[worker]
        return held, self.told(held, worker)

    @was_started
    @rule(worker=workers, kind=kinds)
    def finish(self, worker: str, kind: str) -> None:
        if worker in self.held:
            held = self.held[worker]
            outcome = ENDS[kind](held.failures + 1)
            ended = Outcome(held, kind, outcome.model_dump_json(exclude_defaults=True))  # pyright: ignore[reportArgumentType]  # one of the keys
            for _ in range(2):
                allowed = self.decide(ts.FinishTask(held.attempt, worker, outcome))
                assert self.work[worker].finish(0, [ended]) == [allowed]

    @was_started
    @rule(worker=workers, delay_ms=delays)
    def retry_later(self, worker: str, delay_ms: int) -> None:
        if worker in self.held:
            held = self.held[worker]
            told = e.TaskRetrying(error=OOPS, runs_at=0, failures=held.failures + 1)
            data = told.model_dump_json(exclude_defaults=True, exclude={"runs_at"})
            if self.is_of(held, worker):
                self.due = delay_ms != HOUR_MS
            for _ in range(2):
                allowed = self.decide(ts.RetryLater(held.attempt, worker, told))
                outcome = Outcome(held, "retrying", data, delay_ms)
                assert self.work[worker].finish(0, [outcome]) == [allowed]

    @was_started
    @rule(worker=workers)
    def beat(self, worker: str) -> None:
        for _ in range(2):
            before = self.beats_of(worker)
            running = [self.held[worker]] if self.runs_at(worker) else []
            try:
                beats, to_stop = self.work[worker].beat(0, running)
            except Fenced:
                assert before is None
            else:
                assert beats[worker] == (before or 0) + 1
                assert to_stop == running * self.now.cancel_requested

    @was_started
    @rule(worker=workers)
    def lose(self, worker: str) -> None:
        if (beats := self.beats_of(worker)) is not None:
            other = next(self.work[name] for name in WORKERS if name != worker)
            assert other.take_over(0, worker, beats - 1) == 0, "it has beaten since"
            for _ in range(2):
                assert other.take_over(0, worker, beats) == self.returned(worker, "worker_lost")

    @was_started
    @rule(worker=workers)
    def hand_back(self, worker: str) -> None:
        for _ in range(2):
            assert self.work[worker].hand_back(0) == self.returned(worker, "shutdown")

    @was_started
    @rule(worker=workers)
    def give_back(self, worker: str) -> None:
        if worker in self.held:
            held = self.held[worker]
            for _ in range(2):
                given = self.is_of(held, worker) and self.returned(worker, "shutdown")
                assert self.work[worker].give_back(0, [held]) == given

    def returned(self, worker: str, reason: str) -> bool:
        if not self.runs_at(worker):
            return False
        return self.decide(ts.ReturnTask(worker, reason, self.id[-12:]))  # pyright: ignore[reportArgumentType]  # one of two

    @precondition(lambda self: bool(self.held) or not self.due)
    @precondition(lambda self: not self.now.cancel_requested)
    @rule()
    def cancel(self) -> None:
        for _ in range(2):
            self.decide(ts.CancelTask())
            assert self.wait(self.log.cancel("bob", self.id)) == self.now.status

    @was_started
    @precondition(lambda self: not self.now.dismissed)
    @rule()
    def dismiss(self) -> None:
        for _ in range(2):
            answer = "ok" if self.decide(ts.DismissTask()) else self.now.status
            assert self.wait(self.log.dismiss("bob", self.id)) == answer

    def beats_of(self, worker: str) -> int | None:
        with self.servers.at(self.keys.leases) as client:
            found: Any = client.hget(self.keys.leases, worker)  # pyright: ignore[reportUnknownMemberType]  # untyped
        return None if found is None else int(found)

    @property
    def logged(self) -> list[Event]:
        with self.servers.at(self.keys.log) as client:
            entries: Any = client.xrange(self.keys.log)  # pyright: ignore[reportUnknownMemberType]  # untyped
        return [decode(0, entry_id, fields) for entry_id, fields in entries]

    @invariant()
    def the_log_has_what_was_decided(self) -> None:
        if hasattr(self, "expected"):
            payloads = [event.payload for event in self.logged]
            assert list(map(timeless, payloads)) == list(map(timeless, self.expected))
            ends = [each for each in payloads if each.type.removeprefix("task.") in ts.ENDED]
            assert len(ends) <= 1


def timeless(payload: Payload) -> tuple[str, dict[str, Any]]:
    """An event without what the server's clock decides."""
    return payload.type, payload.model_dump(exclude={"runs_at"})


@BOTH
@pytest.mark.timeout(300)
def test_scripts_and_state_machine_agree_on_every_history(valkey_url: str, namespace: str):
    run_state_machine_as_test(
        lambda: TwoSided(valkey_url, f"{namespace}.{next(NUMBERS)}"),  # pyright: ignore[reportArgumentType]  # a function will do
        settings=settings(
            max_examples=200, stateful_step_count=25, deadline=None,
            suppress_health_check=[*HealthCheck],  # pyright: ignore[reportArgumentType]  # its metaclass has no __iter__ of its own
        ),
    )  # fmt: skip


@BOTH
@pytest.mark.parametrize("kind", [*sorted(ENDS), "retrying"])
def test_a_zombie_worker_cannot_finish_a_task_that_was_taken_over(
    valkey_url: str, namespace: str, kind: str
):
    task = TwoSided(valkey_url, namespace)
    try:
        task.begin(None)
        task.start("w1")
        task.lose("w1")
        task.start("w2")
        task.retry_later("w1", 0) if kind == "retrying" else task.finish("w1", kind)
        task.finish("w2", "succeeded")
        assert [event.payload.type for event in task.logged] == [
            "task.created", "task.started", "task.returned", "task.started", "task.succeeded",
        ]  # fmt: skip
    finally:
        task.teardown()
