"""One session and its partitions: whose turn it is, and what it remembers to look at again."""

import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing
from itertools import count
from typing import Any
from uuid import uuid4

import pytest

from milepost.events import TaskCreated
from milepost.keys import PartitionKeys
from milepost.owners import owner_hash, partition_of
from milepost_log.attempts import Outcome, Taken
from milepost_log.commands import CommandLog, NewTask
from milepost_log.servers import Servers, open_servers, open_servers_async
from milepost_log.work import WorkLog
from milepost_worker.doorbell import Doorbell
from milepost_worker.jobs import Job, type_of
from milepost_worker.session import Session
from milepost_worker.vitals import STUCK_SECONDS, Vitals
from valkey_cluster import administrator
from waiting import wait_for

PARTITIONS = 4
OWNERS = {partition_of(f"o{number}", PARTITIONS): f"o{number}" for number in range(99)}
"""One of each partition."""

Start = Callable[..., Session]


@pytest.fixture
def servers(valkey_url: str) -> Generator[Servers]:
    with open_servers(valkey_url) as found:
        yield found


@pytest.fixture
async def commands(valkey_url: str, namespace: str) -> AsyncGenerator[CommandLog]:
    async with aclosing(open_servers_async(valkey_url)) as found:
        log = CommandLog(found, namespace, PARTITIONS)
        await log.prepare()
        yield log


@pytest.fixture
def start(servers: Servers, namespace: str) -> Start:
    """Make a session that sweeps seldom; nothing rings it."""
    numbers = count()

    def start(threads: int, lease_seconds: float = 3600, **max_running: int) -> Session:
        return Session(
            lambda: WorkLog(servers, namespace, f"w{next(numbers)}", ["default"]),
            partitions=PARTITIONS,
            threads=threads,
            lease_seconds=lease_seconds,
            grace_seconds=3600,
            max_log_lines=9,
            describe=lambda started, outbox: Job(started, type_of(started)),
            max_running=max_running,
        )

    return start


async def create(
    commands: CommandLog, partition: int, many: int = 1, kind: str = "noop"
) -> list[str]:
    created = TaskCreated(task_type=kind, title="T", queue="default", params={})
    tasks = [NewTask(str(uuid4()), "f", created) for _ in range(many)]
    await commands.create(OWNERS[partition], tasks, max_live=9999)
    return [task.id for task in tasks]


def take(session: Session, many: int) -> list[Job]:
    """Take so many jobs, of the sweep at the beginning or what was rung for since."""
    jobs: list[Job] = []
    deadline = time.monotonic() + 4  # less than until the next sweep
    while len(jobs) < many and time.monotonic() < deadline:
        if job := session.next_job(0.05):
            jobs.append(job)
    assert len(jobs) == many
    return jobs


def end(session: Session, job: Job) -> None:
    session.finished(job, Outcome(job.started, "succeeded", "{}"))


@pytest.mark.parametrize("partition", range(1, PARTITIONS))
async def test_the_next_free_thread_takes_what_comes_beside_a_full_partition(
    commands: CommandLog, start: Start, partition: int
):
    await create(commands, 0, 200)
    session = start(threads=2)
    running = take(session, 2)
    for _ in range(5):
        (single,) = await create(commands, partition)
        session.ring(partition)
        end(session, running.pop(0))
        running += take(session, 1)
        assert running[-1].started.id == single
        end(session, running.pop(0))
        running += take(session, 1)
        assert running[-1].started.partition == 0, "nor is the full one left out"


async def test_all_full_partitions_are_served_alike(commands: CommandLog, start: Start):
    for partition in range(PARTITIONS):
        await create(commands, partition, 40)
    session = start(threads=1)
    served = [0] * PARTITIONS
    for _ in range(40):
        (job,) = take(session, 1)
        served[job.started.partition] += 1
        end(session, job)
    assert served == [10] * PARTITIONS


async def test_room_for_a_type_is_used_in_whatever_partition_it_waits(
    commands: CommandLog, start: Start
):
    session = start(threads=4, single=1)
    tasks = [(await create(commands, number, 2, "single"))[0] for number in range(PARTITIONS)]
    others = await create(commands, 0)
    first = take(session, 2)
    assert {job.started.id for job in first} > set(others)
    order = [job for job in first if job.type_name == "single"]
    for _ in range(2 * PARTITIONS - 1):
        end(session, order[-1])
        order += take(session, 1)
    assert {job.started.partition for job in order[:PARTITIONS]} == set(range(PARTITIONS))
    assert len({job.started.id for job in order}) == 2 * len(tasks)


async def test_a_ring_that_got_lost_costs_no_more_than_a_sweep(commands: CommandLog, start: Start):
    session = start(threads=2, lease_seconds=1.5)
    for partition in range(PARTITIONS):
        assert session.next_job(0.1) is None, "everywhere was looked, and nothing found"
        (task,) = await create(commands, partition)
        (job,) = take(session, 1)
        assert job.started.id == task
        end(session, job)


async def test_who_lost_a_connection_looks_everywhere_once_it_is_back(
    valkey_url: str, namespace: str, commands: CommandLog
):
    heard: list[int | None] = []
    doorbell = Doorbell(valkey_url, namespace, ["default"], heard.append, lambda _, __: None)
    doorbell.start()
    try:
        wait_for(lambda: heard == [None], "the first look")
        await create(commands, 1)
        wait_for(lambda: heard == [None, 1], "the ring")
        with administrator(valkey_url) as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        wait_for(lambda: heard == [None, 1, None], "another look")
    finally:
        doorbell.stop()


async def create_suspects(
    commands: CommandLog, servers: Servers, namespace: str, count: int
) -> list[str]:
    """Tasks in partition 2 which two workers have vanished with."""
    suspects = await create(commands, 2, count)
    keys = PartitionKeys(namespace, 2)
    with servers.at(keys.log) as client:
        for suspect in suspects:
            client.hset(keys.task(owner_hash(OWNERS[2]), suspect), "c", 2)  # pyright: ignore  # untyped
    return suspects


async def test_a_suspect_waits_for_the_last_of_all_partitions_and_nothing_runs_beside_it(
    commands: CommandLog, start: Start, servers: Servers, namespace: str
):
    session = start(threads=3)
    await create(commands, 0, 2)
    running = take(session, 2)
    (suspect,) = await create_suspects(commands, servers, namespace, 1)
    session.ring(2)
    assert session.next_job(0.2) is None
    await create(commands, 1, 3)
    await create(commands, 2, 3)
    session.ring()
    for job in running:
        assert session.next_job(0.2) is None, "it takes nothing more"
        end(session, job)
    (job,) = take(session, 1)
    assert job.started.id == suspect
    session.ring()
    assert session.next_job(0.2) is None, "nothing runs beside it"
    end(session, job)
    handful = take(session, 3)
    for job in handful:
        end(session, job)
    assert {job.started.partition for job in (*handful, *take(session, 3))} == {1, 2}


async def test_behind_a_suspect_others_have_a_turn_before_the_next_one(
    commands: CommandLog, start: Start, servers: Servers, namespace: str
):
    session = start(threads=2)
    suspects = await create_suspects(commands, servers, namespace, 2)
    (first,) = take(session, 1)
    assert first.started.is_suspect
    assert first.begin(time.monotonic() - 3600)
    others = await create(commands, 1, 3)
    session.ring()
    assert session.next_job(0.2) is None, "nothing runs beside it"
    end(session, first)
    running = take(session, 2)
    for job in running:
        end(session, job)
    running += take(session, 1)
    assert {job.started.id for job in running} == set(others)
    assert session.next_job(0.2) is None, "the second suspect waits for the last of them"
    end(session, running[-1])
    (second,) = take(session, 1)
    assert {first.started.id, second.started.id} == set(suspects), "with nobody else, at once"


def test_a_session_that_waits_for_ever_is_seen_from_outside(servers: Servers, namespace: str):
    began, go_on = threading.Event(), threading.Event()

    class Blocked(WorkLog):
        def take(self, *args: Any, **kwargs: Any) -> Taken:
            began.set()
            go_on.wait(60)
            return super().take(*args, **kwargs)

    session = Session(
        lambda: Blocked(servers, namespace, "w", ["default"]),
        partitions=1, threads=1, lease_seconds=3600, grace_seconds=3600, max_log_lines=9,
        describe=lambda started, outbox: Job(started, type_of(started)),
    )  # fmt: skip
    later = 0.0
    vitals = Vitals(
        turned_at=lambda: session.turned_at,
        monotonic=lambda: time.monotonic() + later,
        log_is_away=lambda: False, fault=lambda: "", announced=lambda: True, stopping=lambda: False,
    )  # fmt: skip
    consumer = threading.Thread(target=lambda: [session.next_job(0.1) for _ in range(20)])
    consumer.start()
    try:
        assert began.wait(20)
        assert vitals.live() == {"session": "ok"}
        later = STUCK_SECONDS
        assert vitals.live()["session"] != "ok"
    finally:
        go_on.set()
    consumer.join()
    later = 0.0
    assert vitals.live() == {"session": "ok"}
