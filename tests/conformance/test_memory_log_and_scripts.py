"""The log in memory that `milepost.testing` ships answers as the Lua scripts on a real server do.

Every history is run on both, every step twice; answers and events have to be the same. What only
time and place make differ (stream ids, `at`, `runs_at`) is left out.
"""

import asyncio
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import count, product
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
from milepost.owners import owner_hash
from milepost.testing import MemoryLog, Started
from milepost_log.attempts import Line, Outcome, Report, Saved, StartedTask
from milepost_log.commands import CommandLog, NewTask
from milepost_log.figures import figures_of
from milepost_log.reader import LogReader
from milepost_log.servers import AsyncServers, Servers, open_servers, open_servers_async
from milepost_log.work import WorkLog
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
OWNERS = ("bob", "alice")
NORMAL, HIGH = "00000000-normal", "00000000-high"
IDS = (NORMAL, "limited-1", "limited-2", "limited-3", HIGH, "limited-high")
ALL_IDS = (*IDS, "a", "b", "c", f"{HIGH}-2", "limited-0", "limited-4")

Step = tuple[Any, ...]
_worker = st.sampled_from(WORKERS)
_owner = st.sampled_from(OWNERS)
_task = st.sampled_from(IDS)
_limit = st.sampled_from((1, 1, 2, None))
_sequence = st.integers(1, 6)
_delay = st.sampled_from((0, HOUR_MS))
_create = st.tuples(st.just("create"), _owner, _task, st.sampled_from((None, None, 0, HOUR_MS)))
_take = st.tuples(st.just("take"), _worker, _limit)
_finish = st.tuples(st.just("finish"), _worker, st.sampled_from(sorted(OUTCOMES)), _delay)
STEP = st.one_of(
    _create,
    _take,
    _take,
    _take,
    _take,
    _finish,
    _finish,
    st.tuples(st.just("report"), _worker, _sequence, st.integers(0, 99)),
    st.tuples(st.just("log"), _worker, _sequence),
    st.tuples(st.just("save"), _worker, _sequence),
    st.tuples(st.just("lose"), _worker),
    st.tuples(st.just("hand back"), _worker),
    st.tuples(st.just("cancel"), _owner, _task),
    st.tuples(st.just("dismiss"), _owner, _task),
)


def limits_of(limit: int | None) -> dict[str, int]:
    return {} if limit is None else {"a.limited": limit}


def created(task_id: str) -> TaskCreated:
    priority = "high" if "high" in task_id else "normal"
    kind = "a.limited" if task_id.startswith("limited") else "a.b"
    return TaskCreated(task_type=kind, title=task_id, queue="default", priority=priority, params={})


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
            case ("create", owner, task_id, delay_ms):
                return self.log.create(owner, task_id, created(task_id), delay_ms=delay_ms)
            case ("take", worker, limit):
                taken = self.log.take(worker, limits=limits_of(limit))
                if taken:
                    self.held[worker] = taken
                return seen(taken) if taken else None
            case ("lose", worker):
                return self.log.release(worker, "worker_lost")
            case ("hand back", worker):
                return self.log.release(worker, "shutdown")
            case ("cancel", owner, task_id):
                return self.log.cancel(owner, task_id)
            case ("dismiss", owner, task_id):
                return self.log.dismiss(owner, task_id)
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

    def work(self, worker: str, limit: int | None = None) -> WorkLog:
        return WorkLog(self.servers, self.namespace, worker, ["default"], (), limits_of(limit))

    async def do(self, step: Step) -> object:
        answer = await self.ask(step)
        before = self.now_ms()
        while self.now_ms() == before:
            pass  # two that are due in the same millisecond have no order
        return answer

    def now_ms(self) -> int:
        """The server's clock."""
        with self.servers.at(PartitionKeys(self.namespace, 0).log) as client:
            seconds, micros = client.time()  # pyright: ignore[reportUnknownMemberType]  # untyped
        return seconds * 1000 + micros // 1000

    async def ask(self, step: Step) -> object:
        match step:
            case ("create", owner, task_id, delay_ms):
                asked = NewTask(task_id, "f", created(task_id), delay_ms)
                await self.commands.create(owner, [asked], max_live=9)
                return None
            case ("take", worker, limit):
                taken = self.work(worker, limit).take(0, 1, holding=False).tasks
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
            case ("cancel", owner, task_id):
                return await self.commands.cancel(owner, task_id)
            case ("dismiss", owner, task_id):
                return await self.commands.dismiss(owner, task_id)
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


async def counts_are_true(servers: AsyncServers, namespace: str) -> None:
    """Whatever happened: what the scripts have counted is what stands in the tasks' hashes."""
    keys = PartitionKeys(namespace, 0)
    found = Counter[str]()
    async with servers.at(keys.log) as client:
        for owner, task_id in product(OWNERS, ALL_IDS):
            status: Any = await client.hget(keys.task(owner_hash(owner), task_id), "s")  # pyright: ignore
            if status is not None:
                place = status.decode()
                found["queued:default" if place == "queued" else place] += 1
                found["accepted"] += 1
        told: Any = await client.hgetall(keys.counts)  # pyright: ignore
    assert {name.decode(): int(value) for name, value in told.items() if int(value)} == found
    figures = await figures_of(servers, namespace, 0, None)
    assert figures.accepted == sum(figures.ended.values()) + sum(figures.live.values())


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
            await counts_are_true(asynchronous, namespace)
            entries = await LogReader(asynchronous, namespace, 0).read(ZERO, count=1000, block_ms=1)
    events = [decode(0, entry.id, entry.fields) for entry in entries]
    assert [told(event) for event in memory.log.events] == [told(event) for event in events]
    return [event.payload.type for event in events]


NUMBERS = count()


@BOTH
@given(st.sampled_from((1, len(IDS))), st.lists(STEP, min_size=8, max_size=40))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_memory_and_server_agree_on_every_history(
    valkey_url: str, namespace: str, there: int, steps: list[Step]
):
    first = [("create", owner, task, None) for owner in OWNERS for task in IDS[:there]]
    asyncio.run(compare(valkey_url, f"{namespace}.{next(NUMBERS)}", [*first, *steps]))


@BOTH
async def test_equal_tasks_take_turns_and_what_comes_back_stands_behind(
    valkey_url: str, namespace: str
):
    steps: list[Step] = [
        ("create", "bob", "a", None), ("create", "bob", "b", None),
        ("take", "w1", None), ("hand back", "w1"),
        ("create", "bob", "c", None), ("create", "bob", HIGH, 0),
        ("take", "w2", None), ("take", "w1", None),
        ("lose", "w2"), ("take", "w1", None), ("finish", "w1", "retrying", 0), ("take", "w2", None),
    ]  # fmt: skip
    types = await compare(valkey_url, namespace, steps)
    assert types.count("task.started") == 9


@BOTH
async def test_an_end_comes_too_late_once_the_retry_is_due(valkey_url: str, namespace: str):
    steps: list[Step] = [
        ("create", "bob", NORMAL, None), ("take", "w1", None), ("finish", "w1", "retrying", 0),
        ("create", "bob", HIGH, None), ("create", "bob", f"{HIGH}-2", None), ("take", "w2", None),
        ("finish", "w1", "succeeded", None),
    ]  # fmt: skip
    await compare(valkey_url, namespace, steps)


@BOTH
async def test_what_comes_back_beside_one_that_ends_finds_its_place_taken(
    valkey_url: str, namespace: str
):
    steps: list[Step] = [
        *[("create", "bob", each, None) for each in (NORMAL, "limited-1", HIGH)],
        ("create", "alice", HIGH, None), ("create", "bob", "limited-2", None),
        ("take", "w1", None), ("take", "w2", None), ("cancel", "bob", NORMAL),
        ("lose", "w2"), ("take", "w2", None),
    ]  # fmt: skip
    types = await compare(valkey_url, namespace, steps)
    assert types.count("task.returned") == 2


@BOTH
async def test_what_was_claimed_comes_back_in_that_order_whatever_its_priority(
    valkey_url: str, namespace: str
):
    lose: Step = ("lose", "w2")
    steps: list[Step] = [
        ("create", "bob", "limited-high", None), ("create", "bob", "limited-2", None),
        ("take", "w2", 1), lose, ("create", "alice", "limited-high", 0), ("take", "w2", 2),
        ("finish", "w2", "retrying", HOUR_MS), lose, ("take", "w2", 2), lose,
    ]  # fmt: skip
    types = await compare(valkey_url, namespace, steps)
    assert types.count("task.returned") > 2


@BOTH
async def test_what_waits_for_its_owner_s_limit_goes_on_in_order(valkey_url: str, namespace: str):
    create = [("create", owner, f"limited-{n}", None) for n in range(5) for owner in OWNERS]
    step: list[Step] = [("take", "w1", 2), ("take", "w2", 1), ("finish", "w1", "succeeded", None)]
    back: list[Step] = [
        ("hand back", "w1"), ("lose", "w2"), ("take", "w2", 2), ("finish", "w2", "retrying", 0),
        ("cancel", "bob", "limited-3"), ("create", "bob", "limited-high", None),
    ]  # fmt: skip
    steps = [*create, *step, *back, *step, *step, *back, *step * 8]
    types = await compare(valkey_url, namespace, steps)
    assert types.count("task.started") > 12


@BOTH
async def test_suspects_are_set_aside_and_taken_alone(valkey_url: str, namespace: str):
    once: list[Step] = [("take", "w1", 2), ("take", "w1", 2), ("lose", "w1")]
    steps: list[Step] = [
        *[("create", "bob", f"limited-{n}", None) for n in range(3)],
        ("create", "alice", NORMAL, None),
        *once, *once, ("create", "alice", HIGH, None), ("create", "bob", NORMAL, None),
        *[("take", "w2", 1), ("finish", "w2", "succeeded", None)] * 5,
    ]  # fmt: skip
    types = await compare(valkey_url, namespace, steps)
    assert types.count("task.returned") > 4
