"""The projector against a real log: crashes, rivals, garbage, outages, lost logs."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from databases import ON_BOTH, rows
from histories import OOPS, created
from milepost import events as e
from milepost.cursors import ZERO, Cursor, StreamId
from milepost.keys import PartitionKeys
from milepost.settings import Settings
from milepost_log.connection import connect_async
from milepost_notify import supervisor
from milepost_notify.changes import Changes
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.main import build, migrate
from milepost_notify.sql import SqlProjectionStore
from milepost_notify.store import StoreUnavailable
from milepost_notify.supervisor import Supervised
from milepost_notify.tables import task
from notify_surroundings import Scribe, lines, projecting, task_id
from valkey_server import Valkey
from waiting import until

RECOVERY_SECONDS = 20
"""Promised are 5 s, on a machine that has nothing else to do; CI shares its cores."""

RUNNING = e.TaskStarted(worker="w")

Apply = Callable[[Checkpoint, StreamId, Changes], Any]


class Store(SqlProjectionStore):
    """The real store, with a fault put before or behind COMMIT."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.before: list[Exception] = []
        self.behind: list[Exception] = []
        self.commits = 0
        self.looks = 0
        self.refused = 0

    async def checkpoint(self, partition: int) -> Checkpoint | None:
        self.looks += 1
        return await super().checkpoint(partition)

    async def apply(self, before: Checkpoint, position: StreamId, changes: Changes) -> Checkpoint:
        if self.before:
            raise self.before.pop()
        try:
            after = await super().apply(before, position, changes)
        except Exception:
            self.refused += 1
            raise
        self.commits += 1
        if self.behind:
            raise self.behind.pop()
        return after


@pytest.fixture
async def store(settings: Settings) -> AsyncGenerator[Store]:
    store = Store(settings.database_url)
    yield store
    await store.close()


def tables(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the read models and the history."""
    return rows(settings.database_url)


async def reached(store: SqlProjectionStore, revision: Cursor) -> None:
    async def checkpoint() -> Checkpoint | None:
        return await store.checkpoint(0)

    await until(checkpoint, lambda at: at is not None and at.position >= revision.id)


async def tell_much(log: Scribe, count: int = 50) -> Cursor:
    """Tasks of several owners with all that can happen to them; the last event."""
    last = Cursor(0, b"", 0, ZERO, 0)
    for number in range(count):
        task, owner = task_id(), ("bob", "bobby", "%")[number % 3]
        await log.tell(created(f"{number}"), task, owner)
        await log.tell(RUNNING, task, owner, attempt=1)
        await log.tell(e.TaskProgressed(progress=number % 100), task, owner, attempt=1)
        end = e.TaskFailed(error=OOPS) if number % 5 == 0 else e.TaskSucceeded(result=number)
        last = await log.tell(end, task, owner, attempt=1)
        if number % 7 == 0:
            last = await log.tell(e.TaskDismissed(), task, owner, attempt=1)
        if number % 11 == 0:
            last = await log.tell(e.InboxRead(until=str(last.id)), "", owner)
    return last


async def truth(settings: Settings, tmp_path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What one undisturbed projector makes of the log."""
    url = f"sqlite:///{tmp_path}/truth.db"
    migrate(settings.model_copy(update={"database_url": url}))
    alone = SqlProjectionStore(url)
    client = connect_async(settings.redis_url)
    keys = PartitionKeys(settings.namespace, 0)
    last: Any = await client.xrevrange(keys.log, count=1)  # pyright: ignore  # untyped
    await client.aclose()
    async with projecting(settings, alone):
        await reached(alone, Cursor(0, b"", 0, StreamId.parse(last[0][0]), 0))
    await alone.close()
    return tables(settings.model_copy(update={"database_url": url}))


@ON_BOTH
async def test_two_projectors_at_once_change_nothing_twice(
    settings: Settings, log: Scribe, store: Store, tmp_path: Path
):
    rival = Store(settings.database_url)
    async with projecting(settings, store), projecting(settings, rival):
        last = await tell_much(log, 120)
        await reached(store, last)
    await rival.close()
    assert tables(settings) == await truth(settings, tmp_path)
    assert store.commits + rival.commits > 0


@ON_BOTH
async def test_a_rival_that_saved_first_costs_nothing_but_another_look(
    settings: Settings, log: Scribe, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Both fold the same batch; the second finds the checkpoint moved and saves nothing."""
    rival = SqlProjectionStore(settings.database_url)
    first = await log.tell(created("early"), task_id())
    known = store.known

    async def overtaken(*asked: Any) -> Any:
        monkeypatch.setattr(store, "known", known)
        async with projecting(settings, rival):
            await reached(rival, first)
        return await known(*asked)

    monkeypatch.setattr(store, "known", overtaken)
    async with projecting(settings, store):
        last = await tell_much(log, 20)
        await until(refused_by(store), lambda refused: refused >= 1)
        await reached(store, last)
    await rival.close()
    assert tables(settings) == await truth(settings, tmp_path)


@ON_BOTH
@pytest.mark.parametrize("place", ["before", "behind"])
async def test_a_crash_before_or_behind_commit_neither_loses_nor_doubles_a_row(
    settings: Settings, log: Scribe, store: Store, tmp_path: Path, place: str
):
    getattr(store, place).extend(StoreUnavailable("no answer") for _ in range(3))
    async with projecting(settings, store):
        last = await tell_much(log, 40)
        await reached(store, last)
    assert getattr(store, place) == []
    assert tables(settings) == await truth(settings, tmp_path)


@ON_BOTH
async def test_a_projector_killed_while_saving_goes_on_where_it_was(
    settings: Settings, log: Scribe, tmp_path: Path
):
    telling = asyncio.create_task(tell_much(log, 100))
    runs = 0
    while not telling.done():
        runs += 1
        store = Store(settings.database_url)
        async with projecting(settings, store):
            # Cut off wherever it is, a little later each time.
            await asyncio.wait([telling], timeout=0.01 * runs)
        await store.close()
    store = Store(settings.database_url)
    async with projecting(settings, store):
        await reached(store, await telling)
    await store.close()
    assert tables(settings) == await truth(settings, tmp_path)


async def test_garbage_goes_to_the_dead_letters_and_everything_else_on(
    settings: Settings, log: Scribe, store: Store
):
    task, later = task_id(), task_id()
    good = {"t": "created", "k": later, "o": "bob", "a": "0"}
    request = '{"task_type":"x","title":"t","queue":"q","params":{}}'
    await log.tell(created("before"), task)
    garbage: list[dict[Any, Any]] = [
        {"hello": "world"}, {b"\xff": b"\xff"}, {**good, "d": "{"}, {**good, "d": "{}"},
        {**good, "d": request, "a": "x"}, {**good, "d": request, "at": "-1"},
        {**good, "d": request, "o": b"\xff"}, {**good, "d": request, "b": "devil 1"},
        {**good, "d": '{"task_type":"x","title":"\\ud800","queue":"q","params":{}}'},
        {**good, "d": request, "k": ""}, {**good, "d": request, "t": "created/0"},
    ]  # fmt: skip
    for fields in garbage:
        await log.raw("bob", fields)
    await log.tell(RUNNING, task, attempt=1)
    async with projecting(settings, store):
        await reached(store, await log.tell(e.TaskSucceeded(), task, attempt=1))
    dead = await log.entries(log.keys("bob").dead)
    assert len(dead) == len(garbage)
    assert all(fields[b"reason"] and fields[b"stream"] == b"log" for _, fields in dead)
    found = tables(settings)
    assert [row[2] for row in found["task"]] == [task]
    assert len(found["history"]) == 3
    assert found["parked"] == []


@ON_BOTH
async def test_an_event_of_a_later_version_parks_its_task_and_no_other(
    settings: Settings, log: Scribe, store: Store
):
    parked, free = task_id(), task_id()
    await log.tell(created("parked"), parked)
    await log.tell(created("free"), free)
    later = {"t": "paused/3", "k": parked, "o": "bob", "a": "1", "d": "{}"}
    async with projecting(settings, store):
        await reached(store, await log.raw("bob", later))
        await log.tell(RUNNING, parked, attempt=1)
        await reached(store, await log.tell(RUNNING, free, attempt=1))
    async with projecting(settings, store):  # another process remembers it
        await log.tell(e.TaskSucceeded(), parked, attempt=1)
        await reached(store, await log.tell(e.TaskSucceeded(), free, attempt=1))
    found = tables(settings)
    assert len(found["parked"]) == 3
    assert {row[3] for row in found["parked"]} == {parked}
    assert statuses(settings) == {parked: "queued", free: "succeeded"}


def statuses(settings: Settings) -> dict[str, str]:
    """The status of every task, by id."""
    names = task.c.keys()
    status, number = names.index("status"), names.index("id")
    return {row[number]: row[status] for row in tables(settings)["task"]}


async def test_the_log_is_trimmed_behind_the_checkpoint_and_keeps_its_entry(
    settings: Settings, log: Scribe, store: Store
):
    keep_nothing = settings.model_copy(update={"log_keep": 0})
    last = await tell_much(log, 10)
    async with projecting(keep_nothing, store):

        async def left() -> list[Any]:
            return await log.entries(log.keys("bob").log)

        found = await until(left, lambda entries: len(entries) == 1)
        assert found[0][0] == str(last.id).encode()
        more = await log.tell(created("after"), task_id())
        await reached(store, more)
    assert len(tables(settings)["task"]) == 11


async def test_a_projector_waits_until_there_is_a_log(settings: Settings, store: Store):
    client = connect_async(settings.redis_url)
    log = Scribe(client, settings)
    async with projecting(settings, store) as projector:
        await until(state_of(projector), lambda state: state == "waits for submit to make the log")
        await log.name_logs()
        await until(state_of(projector), lambda state: state == "ok")
        await reached(store, await log.tell(created(), task_id()))
    await client.aclose()


def refused_by(store: Store) -> Callable[[], Any]:
    async def refused() -> int:
        return store.refused

    return refused


def looks_of(store: Store) -> Callable[[], Any]:
    async def looks() -> int:
        return store.looks

    return looks


def state_of(projector: Supervised) -> Callable[[], Any]:
    async def state() -> str:
        return projector.state

    return state


@pytest.mark.parametrize("loss", ["empty", "another", "emptied"])
async def test_a_log_that_is_not_the_one_stops_the_partition_with_one_clear_line(
    settings: Settings, log: Scribe, store: Store, loss: str, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.setattr(supervisor, "STOPPED_SECONDS", 0.05)
    keys = log.keys("bob")
    async with projecting(settings, store) as projector:
        last = await tell_much(log, 5)
        await reached(store, last)
        kept = await log.entries(keys.log)
        before = tables(settings)
        if loss == "empty":
            await log.delete(keys.meta, keys.log)
        elif loss == "another":
            await log.restore("bob", [], "ffff" * 8)
        else:
            await log.delete(keys.log)
        words = {
            "empty": "is empty",
            "another": "not the one of this database",
            "emptied": "was emptied",
        }
        await until(state_of(projector), lambda state: words[loss] in state)
        await log.raw("bob", {"t": "created"})  # nothing of it is projected
        looks = await until(looks_of(store), lambda _: True)
        await until(looks_of(store), lambda found: found >= looks + 3)
        assert tables(settings) == before
        assert lines(caplog, logging.ERROR) == ["projector stopped"]

        await log.restore("bob", kept)
        await until(state_of(projector), lambda state: state == "ok")
        await reached(store, await log.tell(created("after"), task_id()))
    assert len(tables(settings)["task"]) == len(before["task"]) + 1


async def test_a_stopped_partition_is_not_ready_and_says_why(
    settings: Settings, log: Scribe, tmp_path: Path
):
    app = build(settings)
    async with app.router.lifespan_context(app):
        await until(app.state.ready, lambda checks: set(checks.values()) == {"ok"})
    await log.name_logs("ffff" * 8)
    app = build(settings)
    async with app.router.lifespan_context(app):
        checks = await until(app.state.ready, lambda checks: "not the one" in checks["projector"])
        assert checks["redis"] == checks["database"] == "ok"


async def test_when_redis_comes_back_everything_goes_on_by_itself(
    settings: Settings, durable_valkey: Valkey, caplog: pytest.LogCaptureFixture
):
    server = durable_valkey
    settings = settings.model_copy(update={"redis_url": server.url, "durability": "fsync"})
    app = build(settings)
    async with app.router.lifespan_context(app):
        client = connect_async(server.url)
        log = Scribe(client, settings)
        await log.name_logs()
        store = SqlProjectionStore(settings.database_url)
        await until(app.state.ready, lambda checks: set(checks.values()) == {"ok"})
        await reached(store, await log.tell(created("before"), task_id()))
        for number in range(2):
            server.kill()
            await until(app.state.ready, lambda checks: checks["redis"] != "ok")
            await until(app.state.ready, lambda checks: checks["projector"] != "ok")
            server.start()
            came_back = time.monotonic()
            await until(app.state.ready, lambda checks: set(checks.values()) == {"ok"})
            await reached(store, await log.tell(created(f"after {number}"), task_id()))
            assert time.monotonic() - came_back < RECOVERY_SECONDS
        await client.aclose()
        await store.close()
    assert sorted(set(lines(caplog))) == ["hub waits", "projector waits"]
    assert lines(caplog).count("projector waits") == 2


async def test_when_the_database_comes_back_everything_goes_on_by_itself(
    settings: Settings, log: Scribe, store: Store, caplog: pytest.LogCaptureFixture
):
    async with projecting(settings, store) as projector:
        await reached(store, await log.tell(created("before"), task_id()))
        store.before.extend(StoreUnavailable("gone") for _ in range(5))
        last = await log.tell(created("meanwhile"), task_id())
        await until(state_of(projector), lambda state: state.startswith("no connection"))

        async def faults_left() -> int:
            return len(store.before)

        await until(faults_left, lambda left: left == 0)
        came_back = time.monotonic()
        await reached(store, last)
        await until(state_of(projector), lambda state: state == "ok")
        assert time.monotonic() - came_back < RECOVERY_SECONDS
    assert lines(caplog) == ["projector waits"]


async def test_an_unexpected_error_is_logged_and_the_partition_begins_again(
    settings: Settings, log: Scribe, store: Store, caplog: pytest.LogCaptureFixture
):
    store.before.append(ZeroDivisionError("a fault of ours"))
    async with projecting(settings, store):
        await reached(store, await log.tell(created(), task_id()))
    assert lines(caplog) == ["projector failed"]
