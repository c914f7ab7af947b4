"""A log that is gone for good: adopted by a command, its lost tasks ended or resubmitted."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from databases import rows
from histories import LOG_ID
from milepost.codec import decode
from milepost.events import TaskCreated
from milepost.keys import PartitionKeys
from milepost.owners import owner_hash
from milepost.settings import Settings
from milepost.task_state import TaskState, evolve
from milepost_log.attempts import Outcome
from milepost_log.commands import CommandLog, NewTask
from milepost_log.reconciling import reconcile
from milepost_log.servers import open_servers
from milepost_log.work import WorkLog
from milepost_notify import supervisor, tables
from milepost_notify.sql import SqlProjectionStore
from milepost_notify.sql_live import SqlLiveTasks
from notify_surroundings import Scribe, projecting, task_id
from surroundings import StartWorker
from valkey_cluster import administrator
from waiting import until

OTHER_LOG = "ffff" * 8
SLOW = {"steps": 1, "seconds": 600}


@pytest.fixture
async def store(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[SqlProjectionStore]:
    monkeypatch.setattr(supervisor, "STOPPED_SECONDS", 0.05)
    store = SqlProjectionStore(settings.database_url)
    yield store
    await store.close()


Run = Callable[..., Any]


@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> Run:
    """Run a command for operators: its exit status and what it printed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MILEPOST_")} | {
        "MILEPOST_REDIS_URL": settings.redis_url,
        "MILEPOST_NAMESPACE": settings.namespace,
        "MILEPOST_PARTITIONS": "1",
        "MILEPOST_DATABASE_URL": settings.database_url,
    }

    def start(*command: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "milepost_cli", *command],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    async def in_thread(*command: str) -> tuple[int, str, str]:
        return await asyncio.to_thread(start, *command)

    return in_thread


def commands(log: Scribe) -> CommandLog:
    return CommandLog(log.client, log.settings.namespace, 1)


async def submit(log: Scribe, task: str = "", *, delay_ms: int | None = None) -> str:
    """Accept a task by the real script; its id."""
    asked = TaskCreated(task_type="demo.steps", title="T", queue="default", params=SLOW)
    new = NewTask(task or task_id(), "f", asked, delay_ms)
    return (await commands(log).create("bob", [new], max_live=100))[0].id


async def projected(log: Scribe, store: SqlProjectionStore) -> None:
    """Wait until all of the log is in the read models."""
    entries = await log.entries(log.keys("bob").log)

    async def at() -> str:
        found = await store.checkpoint(0)
        return "" if found is None else str(found.position)

    await until(at, lambda found: found == entries[-1][0].decode())


def of_tasks(settings: Settings, name: str) -> dict[str, Any]:
    """A column of the served tasks, by id."""
    columns = tables.task.c.keys()
    found = rows(settings.database_url)["task"]
    return {row[columns.index("id")]: row[columns.index(name)] for row in found}


def statuses(settings: Settings) -> dict[str, str]:
    return of_tasks(settings, "status")


async def counts(log: Scribe) -> dict[bytes, bytes]:
    """The write side's counts of the owner."""
    key = log.keys("bob").owner(owner_hash("bob"))
    async with log.client.at(key) as client:
        return await client.hgetall(key)  # pyright: ignore  # untyped


async def lose_all(log: Scribe, log_id: str | None) -> None:
    """Redis comes back empty; null: nobody has named the log yet."""
    with administrator(log.settings.redis_url) as client:
        found: list[bytes] = list(client.scan_iter(f"*{log.settings.namespace}*"))
    await log.delete(*(key.decode() for key in found))
    if log_id is not None:
        await log.name_logs(log_id)


@pytest.mark.parametrize("log_id", [None, OTHER_LOG], ids=["empty", "another"])
async def test_a_log_that_is_gone_is_adopted_once_that_is_confirmed(
    settings: Settings, log: Scribe, store: SqlProjectionStore, run: Run, log_id: str | None
):
    async with projecting(settings, store) as projector:
        task = await submit(log)
        await projected(log, store)
        nothing = "every partition goes on with its log: nothing to adopt\n"
        assert await run("adopt") == (0, nothing, "")
        before = await store.checkpoint(0)
        assert before is not None

        await lose_all(log, log_id)

        async def state() -> str:
            return projector.state

        stopped = await until(state, lambda found: "milepost adopt" in found)
        assert ("empty" in stopped) == (log_id is None)
        status, said, _ = await run("adopt")
        assert (status, said.count("\n")) == (1, 2)
        assert await store.checkpoint(0) == before

        status, said, err = await run("adopt", "--confirm")
        assert (status, err) == (0, "")
        assert "era 1" in said
        await until(state, lambda found: found == "ok")
        after = await store.checkpoint(0)
        assert after is not None
        assert (after.era, after.position) == (1, before.position)
        assert after.log_id == (log_id or after.log_id) != LOG_ID
        # What was shown stays, what comes is shown, and no id is given twice.
        new = await submit(log)
        await projected(log, store)
        assert statuses(settings) == {task: "queued", new: "queued"}
        position = await store.checkpoint(0)
        assert position is not None
        assert position.position > before.position
        assert (await run("adopt"))[0] == 0


async def test_a_log_whose_clock_is_behind_is_not_adopted(
    settings: Settings, log: Scribe, store: SqlProjectionStore, run: Run
):
    async with projecting(settings, store):
        await submit(log)
        await projected(log, store)
    before = await store.checkpoint(0)
    await lose_all(log, OTHER_LOG)
    await log.raw("bob", {"hello": "world"}, id="1-1")
    status, said, _ = await run("adopt", "--confirm")
    assert status == 1
    assert "clock is behind" in said
    assert await store.checkpoint(0) == before


async def test_tasks_that_redis_does_not_know_are_ended_and_no_other(
    settings: Settings, log: Scribe, store: SqlProjectionStore, run: Run
):
    async with projecting(settings, store):
        lost, kept, late = await submit(log), await submit(log), await submit(log, delay_ms=10**8)
        await projected(log, store)
        assert await run("reconcile") == (0, "Redis knows every task that lives\n", "")
        o = owner_hash("bob")
        await log.delete(log.keys("bob").task(o, lost), log.keys("bob").task(o, late))

        status, said, _ = await run("reconcile")
        assert status == 1
        assert "2 tasks are lost (1 queued, 1 scheduled); nothing was changed" in said
        assert statuses(settings)[lost] == "queued"

        status, said, _ = await run("reconcile", "--confirm", "--json")
        assert status == 0
        assert {each["id"]: each["status"] for each in json.loads(said)["tasks"]} == {
            lost: "failed", late: "failed",
        }  # fmt: skip
        await projected(log, store)
        assert statuses(settings) == {lost: "failed", late: "failed", kept: "queued"}
        assert (await run("reconcile", "--confirm"))[1] == "Redis knows every task that lives\n"
        end = (await log.entries(log.keys("bob").log))[-1][1]
        assert b'"code":"lost_in_restore"' in end[b"d"]
        assert end[b"b"] == b"operator reconcile"

        # The owner can do with them what he can do with any that failed.
        asked = await commands(log).request_of("bob", lost)
        assert asked is not None
        status, made = asked
        assert made is not None
        assert (status, made.params) == ("failed", SLOW)
        assert await commands(log).dismiss("bob", lost) == "ok"
        assert await submit(log, lost) == lost, "whoever sends it again is told that it is there"
        assert statuses(settings)[lost] == "failed"


async def test_lost_tasks_are_resubmitted_as_they_were(
    settings: Settings, log: Scribe, store: SqlProjectionStore, run: Run, namespace: str,
    start_worker: StartWorker,
):  # fmt: skip
    async with projecting(settings, store):
        running, stopping = await submit(log), await submit(log)

        async def seen() -> dict[str, str]:
            return statuses(settings)

        worker = start_worker()
        await until(seen, lambda found: list(found.values()) == ["running"] * 2, 30)
        worker.send(signal.SIGKILL)
        await commands(log).cancel("bob", stopping)
        late, waiting = await submit(log, delay_ms=10**8), await submit(log)
        await projected(log, store)
        position = await store.checkpoint(0)
        assert position is not None
        await lose_all(log, OTHER_LOG)
        await run("adopt", "--confirm")
        status, said, err = await run("reconcile", "--confirm", "--resubmit")
        assert (status, err) == (0, ""), said
        await projected(log, store)
        assert statuses(settings) == {
            running: "queued", stopping: "cancelled", late: "scheduled", waiting: "queued",
        }  # fmt: skip
        check_legal(await log.entries(PartitionKeys(namespace, 0).log))
        assert (await counts(log))[b"live"] == b"3"
        start_worker()
        await until(seen, lambda found: found[running] == found[waiting] == "running", 30)
        assert of_tasks(settings, "attempt") == {running: 2, stopping: 1, late: 0, waiting: 1}


def check_legal(entries: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
    """What was appended for a task that ran follows from its running."""
    states = dict[str, TaskState]()
    for entry, fields in entries:
        event = decode(0, entry, fields)
        before = states.get(event.task, TaskState("running", event.attempt))
        after = evolve(before, event.payload)
        assert after is not None
        states[event.task] = after


async def test_ends_that_were_cut_off_the_log_are_told_once_and_as_they_were(
    settings: Settings, log: Scribe, store: SqlProjectionStore, run: Run, namespace: str
):
    with open_servers(settings.redis_url) as threads:
        work = WorkLog(threads, namespace, "w", ["default"])
        async with projecting(settings, store):
            well, badly, late, untouched = [await submit(log) for _ in range(4)]
            first = {each.id: each for each in work.take(0, 2, holding=False).tasks}
            await projected(log, store)
        assert first.keys() == {well, badly}
        then = work.take(0, 1, holding=True).tasks
        assert [each.id for each in then] == [late]
        problem = '{"error":{"code":"c","message":"m","reference":"r"},"failures":1}'
        ends = [
            Outcome(first[well], "succeeded", '{"result":7}'),
            Outcome(first[badly], "failed", problem),
            Outcome(then[0], "succeeded", "{}"),
        ]
        work.finish(0, ends)
    key = log.keys("bob").log
    async with log.client.at(key) as client:
        for entry, _ in (await log.entries(key))[-4:]:  # a start and three ends
            await client.xdel(key, entry)  # pyright: ignore  # untyped

    async with projecting(settings, store):
        assert statuses(settings) == {
            well: "running", badly: "running", late: "queued", untouched: "queued",
        }  # fmt: skip
        status, said, _ = await run("reconcile")
        assert status == 1
        assert "3 tasks are lost (1 queued, 2 running); nothing was changed" in said
        assert "the log lacks its end" in said
        assert len(await log.entries(key)) == 6

        status, said, err = await run("reconcile", "--confirm", "--resubmit")
        assert (status, err) == (0, ""), said
        await projected(log, store)
        assert statuses(settings) == {
            well: "succeeded", badly: "failed", late: "succeeded", untouched: "queued",
        }  # fmt: skip
        assert of_tasks(settings, "attempt") == {well: 1, badly: 1, late: 1, untouched: 0}
        assert "lost_in_restore" in of_tasks(settings, "error")[badly]
        check_legal((await log.entries(key))[6:])
        told = len(await log.entries(key))
        assert told == 6 + 4
        assert (await run("reconcile", "--confirm"))[1] == "Redis knows every task that lives\n"

    # Before it is projected it may be asked for again: by somebody else, or after a lost answer.
    with (
        open_servers(settings.redis_url) as threads,
        closing(SqlLiveTasks(settings.database_url)) as live,
    ):
        (tasks,) = live.tasks(0)
        again = [replace(tasks[0], id=task, status="running", attempt=1) for task in (well, badly)]
        for mode in ("look", "end", "tell"):
            answers = reconcile(threads, namespace, 0, LOG_ID, mode, again)
            assert answers == ["unrecorded", "unrecorded"]
    assert len(await log.entries(key)) == told


async def test_nothing_is_reconciled_while_the_projector_is_behind(
    settings: Settings, log: Scribe, store: SqlProjectionStore, run: Run
):
    async with projecting(settings, store):
        task = await submit(log)
        await projected(log, store)
    await submit(log)
    await log.delete(log.keys("bob").task(owner_hash("bob"), task))
    status, said, err = await run("reconcile", "--confirm")
    assert (status, said) == (1, "")
    assert "is the projector running?" in err
    assert len(await log.entries(log.keys("bob").log)) == 2


async def test_nothing_is_reconciled_with_another_log(
    settings: Settings, log: Scribe, store: SqlProjectionStore, run: Run
):
    async with projecting(settings, store):
        await submit(log)
        await projected(log, store)
    await lose_all(log, OTHER_LOG)
    status, _, err = await run("reconcile", "--confirm")
    assert status == 1
    assert "milepost adopt" in err
