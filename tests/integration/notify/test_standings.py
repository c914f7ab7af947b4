"""Where tasks stand: queues, leases and offers of a real log, as their owners are told of them."""

import time
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from histories import created
from milepost import events as e
from milepost import keys
from milepost.owners import owner_hash
from milepost.records import rfc3339
from milepost.settings import Settings
from milepost_log import offers
from milepost_log.attempts import Bounds, Outcome
from milepost_log.commands import CommandLog, NewTask
from milepost_log.pauses import Pauses
from milepost_log.servers import AsyncServers, Servers, open_servers, open_servers_async
from milepost_log.work import WorkLog
from milepost_notify.redis_standings import RedisStandings
from milepost_notify.rows import TaskRow
from milepost_notify.standing import UNKNOWN, Standing
from notify_surroundings import Person, Scribe, task_id
from surroundings import StartWorker
from valkey_cluster import BOTH, administrator
from waiting import until

pytestmark = BOTH

TYPE, QUEUE = "unit.job", "default"


@pytest.fixture
async def servers(settings: Settings) -> AsyncGenerator[AsyncServers]:
    servers = open_servers_async(settings.redis_url)
    yield servers
    await servers.aclose()


@pytest.fixture
def threads(settings: Settings) -> Generator[Servers]:
    with open_servers(settings.redis_url) as servers:
        yield servers


@pytest.fixture
def commands(servers: AsyncServers, settings: Settings, log: Scribe) -> CommandLog:
    return CommandLog(servers, settings.namespace, 1)


@pytest.fixture
def standings(servers: AsyncServers, settings: Settings) -> RedisStandings:
    return RedisStandings(
        servers, settings.namespace, 1,
        lease_seconds=30, monotonic=time.monotonic, now_ms=lambda: int(time.time() * 1000),
    )  # fmt: skip


async def create(
    commands: CommandLog, count: int = 1, owner: str = "bob", **more: Any
) -> list[str]:
    """So many tasks of an owner, in one call."""
    payload = payload_of(**more)
    tasks = [NewTask(task_id(), "f", payload) for _ in range(count)]
    await commands.create(owner, tasks, max_live=1_000_000)
    return [task.id for task in tasks]


def payload_of(**more: Any) -> e.TaskCreated:
    payload = created()
    assert isinstance(payload, e.TaskCreated)
    return payload.model_copy(update={"queue": QUEUE, **more})


def row(task: str, owner: str = "bob", **more: Any) -> TaskRow:
    """As much of a row as is looked at."""
    found: Any = {"owner": owner, "id": task, "type": TYPE, "queue": QUEUE, "priority": "normal"}
    found |= {"status": "queued", "attempt": 0, **more}
    return found


@contextmanager
def worker(threads: Servers, settings: Settings, name: str = "w") -> Generator[WorkLog]:
    """A worker's side of the log, without a process."""
    yield WorkLog(threads, settings.namespace, name, [QUEUE])


async def test_a_task_stands_behind_those_that_came_before_it(
    commands: CommandLog, standings: RedisStandings
):
    tasks = [
        (owner, task)
        for owner in ("bob", "bobby", "%")
        for task in await create(commands, 3, owner)
    ]  # fmt: skip
    places = [(await standings.of(row(task, owner))).ahead for owner, task in tasks]
    assert places == list(range(9))
    high = (await create(commands, priority="high"))[0]
    assert (await standings.of(row(high, priority="high"))).ahead == 0
    assert (await standings.of(row(tasks[0][1]))).ahead == 1


async def test_what_is_taken_is_before_nobody(
    commands: CommandLog, standings: RedisStandings, threads: Servers, settings: Settings
):
    first, second, third = await create(commands, 3)
    with worker(threads, settings) as log:
        log.take(0, 1, holding=False)
    assert (await standings.of(row(first))).status == "running"
    assert [(await standings.of(row(task))).ahead for task in (second, third)] == [0, 1]


async def test_beyond_what_is_counted_it_is_an_estimate_within_the_queue(
    commands: CommandLog, standings: RedisStandings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("milepost_log.standings.COUNTED", 10)
    tasks = [task for n in range(40) for task in await create(commands, 1, f"o{n}")]
    places = [(await standings.of(row(task, f"o{n}"))).ahead or 0 for n, task in enumerate(tasks)]
    assert places[:10] == list(range(10))
    assert places == sorted(places)
    assert all(10 <= place <= 40 for place in places[10:])
    assert places[-1] >= 30


async def test_beyond_an_owners_share_a_task_waits_for_its_owners_others(
    commands: CommandLog, standings: RedisStandings
):
    mine = await create(commands, 100)
    last = await standings.of(row(mine[-1]))
    assert (last.waits, last.ahead) == ("own", 99)
    theirs = (await create(commands, 1, "bobby"))[0]
    assert (await standings.of(row(theirs, "bobby"))).waits == "stream"


async def test_a_type_or_queue_that_nobody_offers_is_told_with_since_when(
    commands: CommandLog, standings: RedisStandings, threads: Servers, settings: Settings
):
    task = (await create(commands))[0]
    never = await standings.of(row(task))
    assert (never.missing, never.missing_since) == ("type", None)
    offers.offer(threads, settings.namespace, offers.lines([TYPE], ["mail"]))
    assert (await standings.of(row(task))).missing == "queue"
    offers.offer(threads, settings.namespace, offers.lines([TYPE], [QUEUE]))
    assert (await standings.of(row(task))).missing == ""
    an_hour_ago = int(time.time() * 1000) - 3_600_000
    with administrator(settings.redis_url) as client:
        client.zadd(keys.offers(settings.namespace), {f"type {TYPE}": an_hour_ago})
    stale = await standings.of(row(task))
    assert (stale.missing, stale.missing_since) == ("type", an_hour_ago)


async def test_a_task_that_an_operator_has_paused_says_so_and_not_who_it_was(
    bob: Person, commands: CommandLog, servers: AsyncServers, settings: Settings
):
    (task,) = await create(commands)
    root = Person(bob.http, "root", {"scopes": ["admin"]})
    pauses = Pauses(servers, settings.namespace, 1)
    pause = await pauses.pause("queue", QUEUE, by="root", reason="the relay is down")
    since = rfc3339(pause.since_ms)
    found = await bob.read(f"/tasks/{task}/explain")
    assert (found["reason"], found["paused_since"]) == ("paused", since)
    assert found["words"] == (
        f"The queue {QUEUE} is paused by an operator since {since}: the relay is down"
    )
    (queue,) = (await root.read("/admin/queues"))["queues"]
    told = {"since": since, "by": "root", "reason": "the relay is down"}
    assert 0 <= queue.pop("oldest_seconds") < 60
    counts = {"high": 0, "normal": 1, "low": 0, "backlog": 1}
    assert queue == {"queue": QUEUE, **counts, "paused": told}
    await pauses.resume("queue", QUEUE, by="root")
    await pauses.pause("type", TYPE, by="root", reason=None)
    found = await bob.read(f"/tasks/{task}/explain")
    assert found["words"].startswith(f"The type {TYPE} is paused by an operator since ")
    await pauses.resume("type", TYPE, by="root")
    found = await bob.read(f"/tasks/{task}/explain")
    assert (found["reason"], found["paused_since"]) == ("no_worker", None)
    await commands.cancel("bob", task, by=e.Actor("operator", "root"))

    shown = partial(bob.read, f"/tasks/{task}")
    await until(shown, lambda found: found["status"] == "cancelled")
    for who, name in ((bob, ""), (Person(bob.http, "bob", {"scopes": ["service"]}), "")):
        events = (await who.read(f"/tasks/{task}/events"))["events"]
        assert events[-1]["by"] == {"kind": "operator", "id": name}
    path = f"/admin/tasks/{task}/events"
    events = (await root.read(path, owner="bob"))["events"]
    assert events[-1]["by"] == {"kind": "operator", "id": "root"}


async def test_a_suspect_waits_to_run_alone_and_those_behind_it_are_told(
    commands: CommandLog, standings: RedisStandings, threads: Servers, settings: Settings
):
    suspect = (await create(commands))[0]
    with administrator(settings.redis_url) as client:
        key = keys.PartitionKeys(settings.namespace, 0).task(owner_hash("bob"), suspect)
        client.hset(key, "c", 2)
    with worker(threads, settings) as log:
        log.take(0, 8, holding=False, bounds=Bounds(alone=False))
        other = (await create(commands, 1, "bobby"))[0]
        elsewhere = (await create(commands, 1, "bobby", queue="mail"))[0]

        async def is_behind(task: str, **more: Any) -> bool:
            found = await standings.of(row(task, "bobby", **more))
            assert found.waits == "stream"
            return found.suspects

        aside = await standings.of(row(suspect))
        assert (aside.waits, aside.ahead) == ("alone", 0)
        assert await is_behind(other)
        assert not await is_behind(elsewhere, queue="mail")
        alone = log.take(0, 8, holding=False, bounds=Bounds(alone=True)).tasks
        assert [task.id for task in alone] == [suspect]
        assert await is_behind(other), "while it runs, too"
        log.finish(0, [Outcome(alone[0], "succeeded", "{}")])
        assert not await is_behind(other)


async def test_a_task_that_workers_have_no_room_for_waits_aside(
    commands: CommandLog, standings: RedisStandings, threads: Servers, settings: Settings
):
    first, second = await create(commands, 2)
    with worker(threads, settings) as log:
        log.take(0, 8, holding=False, bounds=Bounds({TYPE: 0}))
    found = [await standings.of(row(task)) for task in (first, second)]
    assert [(each.waits, each.ahead) for each in found] == [("aside", 0), ("aside", 1)]


async def test_of_another_owners_task_nothing_is_known(
    commands: CommandLog, standings: RedisStandings
):
    task = (await create(commands))[0]
    assert await standings.of(row(task, "bobby")) == UNKNOWN


async def test_a_running_task_without_a_lease_is_lost(
    commands: CommandLog, standings: RedisStandings, threads: Servers, settings: Settings
):
    task = (await create(commands))[0]
    with worker(threads, settings) as log:
        log.take(0, 1, holding=False)
    running = row(task, status="running", attempt=1, worker="w")
    assert await standings.of(running) == Standing("running", 1)
    with administrator(settings.redis_url) as client:
        client.delete(keys.PartitionKeys(settings.namespace, 0).leases)
    assert (await standings.of(running)).lost


async def test_without_redis_the_answers_come_and_these_are_unknown(settings: Settings):
    away = open_servers_async("redis://127.0.0.1:1/0")
    standings = RedisStandings(
        away, settings.namespace, 1, lease_seconds=30, monotonic=time.monotonic, now_ms=lambda: 0
    )
    assert await standings.of(row(task_id())) == UNKNOWN
    assert not standings.is_lost(row(task_id(), status="running", worker="w"))
    await away.aclose()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"lease_seconds": 1.0})


async def test_a_task_whose_only_worker_is_killed_is_lost_and_its_owner_is_told_why(
    start_worker: StartWorker, commands: CommandLog, bob: Person
):
    only = start_worker()
    task = (await create(commands, task_type="sample.sleep", params={"seconds": 600}))[0]

    async def shown() -> dict[str, Any]:
        answer = await bob.get(f"/tasks/{task}")
        return answer.json() if answer.status_code == 200 else {}

    async def explained() -> dict[str, Any]:
        return await bob.read(f"/tasks/{task}/explain")

    await until(shown, lambda found: found.get("status") == "running", 30)
    assert (await shown())["liveness"] == "moving"
    only.close()
    lost = await until(shown, lambda found: found["liveness"] == "lost", 30)
    assert lost["status"] == "running"
    why = await explained()
    assert (why["reason"], why["liveness"]) == ("lost", "lost")
    assert why["vanished_at"] in why["words"]
    assert [each["liveness"] for each in (await bob.read("/tasks"))["tasks"]] == ["lost"]
    rows = (await bob.poll())["notifications"]
    assert rows[0]["data"]["liveness"] == "lost"

    task = (await create(commands, task_type="sample.sleep"))[0]
    await until(shown, lambda found: found.get("status") == "queued")
    why = await until(explained, lambda found: found["no_worker_since"] is not None, 30)
    assert why["reason"] == "no_worker"
    assert why["no_worker_since"] in why["words"]
    assert (await shown())["queue_position"] == 0
