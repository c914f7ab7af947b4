"""The log in memory that `milepost.testing` ships answers as the Lua scripts on a real server do.

Every history is run on both, every step twice; answers and events have to be the same. What only
time and place make differ (stream ids, `at`, `runs_at`) is left out.
"""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost.codec import decode, encode_data
from milepost.cursors import ZERO
from milepost.events import (
    Event,
    Problem,
    TaskCancelled,
    TaskCreated,
    TaskFailed,
    TaskLogged,
    TaskProgressed,
    TaskRetrying,
    TaskSucceeded,
)  # fmt: skip
from milepost.keys import PartitionKeys
from milepost.testing import MemoryLog, Started
from milepost_log.commands import CommandLog, NewTask
from milepost_log.reader import LogReader
from milepost_log.servers import Servers, open_servers, open_servers_async
from milepost_log.work import Line, Outcome, Report, Saved, StartedTask, WorkLog
from valkey_cluster import BOTH

HOUR_MS = 3_600_000
OOPS = Problem(code="c", message="m", reference="r")
OUTCOMES: dict[str, TaskSucceeded | TaskFailed | TaskCancelled | TaskRetrying] = {
    "succeeded": TaskSucceeded(result=1),
    "failed": TaskFailed(error=OOPS, failures=1),
    "cancelled": TaskCancelled(),
    "retrying": TaskRetrying(error=OOPS, runs_at=0, failures=1),
}
WORKERS = ("w1", "w2")
MOST_LINES = 2
NORMAL, HIGH = "00000000-normal", "00000000-high"

Step = tuple[Any, ...]
_worker = st.sampled_from(WORKERS)
_task = st.sampled_from((NORMAL, HIGH))
_sequence = st.integers(1, 6)
_delay = st.sampled_from((0, HOUR_MS))
STEP = st.one_of(
    st.tuples(st.just("create"), _task, st.sampled_from((None, 0, HOUR_MS))),
    st.tuples(st.just("take"), _worker),
    st.tuples(st.just("take"), _worker),
    st.tuples(st.just("report"), _worker, _sequence, st.integers(0, 99)),
    st.tuples(st.just("log"), _worker, _sequence),
    st.tuples(st.just("save"), _worker, _sequence),
    st.tuples(st.just("finish"), _worker, st.sampled_from(sorted(OUTCOMES)), _delay),
    st.tuples(st.just("lose"), _worker),
    st.tuples(st.just("hand back"), _worker),
    st.tuples(st.just("cancel"), _task),
    st.tuples(st.just("dismiss"), _task),
)


def created(task_id: str) -> TaskCreated:
    priority = "high" if task_id.startswith(HIGH) else "normal"
    return TaskCreated(
        task_type="a.b", title=task_id, queue="default", priority=priority, params={}
    )


def seen(started: Started | StartedTask) -> tuple[object, ...]:
    """What both say of a started task."""
    return started.id, started.owner, started.attempt, started.saved, started.failures


def told(event: Event) -> tuple[object, ...]:
    data = event.payload.model_dump(exclude={"runs_at"})
    return event.payload.type, event.task, event.owner, event.by, event.attempt, data


@dataclass
class InMemory:
    log: MemoryLog = field(default_factory=MemoryLog)
    held: dict[str, Started] = field(default_factory=dict[str, Started])

    async def do(self, step: Step) -> object:
        self.log.clock.now_ms += 1
        match step:
            case ("create", task_id, delay_ms):
                return self.log.create("bob", task_id, created(task_id), delay_ms=delay_ms)
            case ("take", worker):
                taken = self.log.take(worker)
                if taken:
                    self.held[worker] = taken
                return seen(taken) if taken else None
            case ("lose", worker):
                return self.log.release(worker, "worker_lost")
            case ("hand back", worker):
                return self.log.release(worker, "shutdown")
            case ("cancel", task_id):
                return self.log.cancel("bob", task_id)
            case ("dismiss", task_id):
                return self.log.dismiss("bob", task_id)
            case (_, worker, *_) if worker not in self.held:
                return None
            case _:
                return self.tell(self.held[step[1]], step)

    def tell(self, held: Started, step: Step) -> object:
        match step:
            case ("report", _, sequence, percent):
                return self.log.report(held, sequence, TaskProgressed(progress=percent))
            case ("log", _, sequence):
                return self.log.log(held, sequence, TaskLogged(text="x"), most=MOST_LINES)
            case ("save", _, sequence):
                return self.log.save(held, sequence, b"%d" % sequence)
            case (_, _, kind, delay_ms):
                return self.log.finish(held, OUTCOMES[kind], delay_ms)
            case _:
                raise AssertionError(step)


@dataclass
class OnServer:
    servers: Servers
    commands: CommandLog
    namespace: str
    held: dict[str, StartedTask] = field(default_factory=dict[str, StartedTask])

    def work(self, worker: str) -> WorkLog:
        return WorkLog(self.servers, self.namespace, worker, ["default"])

    async def do(self, step: Step) -> object:
        match step:
            case ("create", task_id, delay_ms):
                asked = NewTask(task_id, "f", created(task_id), delay_ms)
                await self.commands.create("bob", [asked], max_live=9)
                return None
            case ("take", worker):
                taken = self.work(worker).take(0, 1, holding=False).tasks
                if taken:
                    self.held[worker] = taken[0]
                return seen(taken[0]) if taken else None
            case ("lose", worker):
                leases = PartitionKeys(self.namespace, 0).leases
                with self.servers.at(leases) as client:
                    beats: Any = client.hget(leases, worker)  # pyright: ignore[reportUnknownMemberType]  # untyped
                return 0 if beats is None else self.work("w3").take_over(0, worker, int(beats))
            case ("hand back", worker):
                return self.work(worker).hand_back(0)
            case ("cancel", task_id):
                return await self.commands.cancel("bob", task_id)
            case ("dismiss", task_id):
                return await self.commands.dismiss("bob", task_id)
            case (_, worker, *_) if worker not in self.held:
                return None
            case _:
                return self.tell(self.work(step[1]), self.held[step[1]], step)

    @staticmethod
    def tell(work: WorkLog, held: StartedTask, step: Step) -> object:
        match step:
            case ("report", _, sequence, percent):
                return work.report(0, [Report(held, sequence, str(percent), "}")])[0]
            case ("log", _, sequence):
                line = Line(held, sequence, encode_data(TaskLogged(text="x")))
                return work.log(0, [line], most=MOST_LINES)[0]
            case ("save", _, sequence):
                return work.save(0, [Saved(held, sequence, b"%d" % sequence)])[0]
            case (_, _, kind, delay_ms):
                data = OUTCOMES[kind].model_dump_json(exclude_defaults=True, exclude={"runs_at"})
                return work.finish(0, [Outcome(held, kind, data, delay_ms)])[0]
            case _:
                raise AssertionError(step)


async def compare(url: str, namespace: str, steps: list[Step]) -> list[str]:
    """Run steps on both; the types of the events."""
    memory = InMemory()
    with open_servers(url) as servers:
        async with aclosing(open_servers_async(url)) as asynchronous:
            commands = CommandLog(asynchronous, namespace, 1)
            await commands.prepare()
            server = OnServer(servers, commands, namespace)
            for step in steps:
                for _ in range(2):
                    assert await memory.do(step) == await server.do(step), step
            entries = await LogReader(asynchronous, namespace, 0).read(ZERO, count=1000, block_ms=1)
    events = [decode(0, entry.id, entry.fields) for entry in entries]
    assert [told(event) for event in memory.log.events] == [told(event) for event in events]
    return [event.payload.type for event in events]


NUMBERS = count()


@BOTH
@given(st.lists(STEP, max_size=25))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_memory_and_server_agree_on_every_history(
    valkey_url: str, namespace: str, steps: list[Step]
):
    first = ("create", NORMAL, None)
    asyncio.run(compare(valkey_url, f"{namespace}.{next(NUMBERS)}", [first, *steps]))


@BOTH
async def test_equal_tasks_take_turns_and_what_comes_back_stands_behind(
    valkey_url: str, namespace: str
):
    steps: list[Step] = [
        ("create", "a", None), ("create", "b", None), ("take", "w1"), ("hand back", "w1"),
        ("create", "c", None), ("create", HIGH, 0), ("take", "w2"), ("take", "w1"),
        ("lose", "w2"), ("take", "w1"), ("finish", "w1", "retrying", 0), ("take", "w2"),
    ]  # fmt: skip
    types = await compare(valkey_url, namespace, steps)
    assert types.count("task.started") == 9


@BOTH
async def test_an_end_comes_too_late_once_the_retry_is_due(valkey_url: str, namespace: str):
    steps: list[Step] = [
        ("create", NORMAL, None), ("take", "w1"), ("finish", "w1", "retrying", 0),
        ("create", HIGH, None), ("create", f"{HIGH}-2", None), ("take", "w2"),
        ("finish", "w1", "succeeded", None),
    ]  # fmt: skip
    await compare(valkey_url, namespace, steps)
