"""A log that loses its tail under a running system: a gap, and then the truth."""

import random
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from histories import OOPS, created
from milepost import events as e
from milepost.cursors import Cursor, StreamId
from milepost.settings import Settings
from milepost_log.connection import connect_async
from milepost_log.reader import LogReader
from milepost_notify import recovery
from milepost_notify.lost_tail import before
from milepost_notify.main import migrate
from milepost_notify.sql import SqlProjectionStore
from milepost_service.running import running
from notify_surroundings import Person, Scribe, lines, projecting, task_id
from waiting import until

PLACES = 20
OWNERS = ("bob", "bobby", "%")
OF_THE_MOMENT = {"eta_at", "liveness", "queue_position"}
"""What the clock and the queue make of a row when it is read."""


@pytest.fixture
async def store(settings: Settings) -> AsyncGenerator[SqlProjectionStore]:
    store = SqlProjectionStore(settings.database_url)
    yield store
    await store.close()


class Follower:
    """Somebody who keeps what he is told, and begins anew when he is told of a gap."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.state = dict[str, Any]()
        self.gaps = 0
        self._since: str | None = None

    async def follow(self) -> None:
        """Follow until cancelled."""
        while True:
            await self.look(wait=1)

    async def look(self, **query: Any) -> bool:
        """Ask once; whether there was anything."""
        answer = await self.person.poll(self._since, **query)
        if answer["gap"]:
            self.gaps += 1
            self.state.clear()
        for told in answer["notifications"]:
            about = told["data"]
            if told["name"] == "task_progress":
                told["data"] = {key: about[key] for key in about.keys() - OF_THE_MOMENT}
                about = about["task_id"]
            self.state[about if isinstance(about, str) else ""] = told
        self._since = answer["cursor"]
        return bool(answer["notifications"])

    async def seen(self) -> int:
        """How many gaps there were."""
        return self.gaps

    async def settle(self) -> dict[str, Any]:
        """Ask until there is nothing more; what is known then."""
        while await self.look():
            pass
        return self.state


async def tell_some(log: Scribe, number: int) -> Cursor:
    """A few events of a new task; the last."""
    task, owner = task_id(), OWNERS[number % 3]
    last = await log.tell(created(f"{number}"), task, owner)
    if number % 5:
        last = await log.tell(e.TaskStarted(worker="w"), task, owner, attempt=1)
        for percent in range(number % 4):
            last = await log.tell(e.TaskProgressed(progress=percent), task, owner, attempt=1)
    if number % 3:
        end = e.TaskFailed(error=OOPS) if number % 2 else e.TaskSucceeded(result=number)
        last = await log.tell(end, task, owner, attempt=1)
        if number % 7 == 0:
            last = await log.tell(e.InboxRead(until=str(last.id)), "", owner)
    return last


async def tell_all(log: Scribe, count: int) -> Cursor:
    """The events of some new tasks; the last."""
    return [await tell_some(log, number) for number in range(count)][-1]


async def cut(log: Scribe, count: int, *, keep_id: bool = False) -> None:
    """Lose the last entries as an older copy would: with the last id, unless it is kept."""
    keys = log.keys("bob")
    kept = await log.entries(keys.log)
    if keep_id:
        gone = [entry for entry, _ in kept[-count:]]
        async with log.client.at(keys.log) as client:
            await client.xdel(keys.log, *gone)  # pyright: ignore[reportUnknownMemberType]  # untyped
    else:  # XSETID does not go back behind what was deleted
        await log.restore("bob", kept[:-count])


async def reached(store: SqlProjectionStore, position: StreamId) -> None:
    async def at() -> StreamId:
        found = await store.checkpoint(0)
        return StreamId(0, 0) if found is None else found.position

    await until(at, lambda found: found >= position)


async def has(log: Scribe, position: StreamId) -> bool:
    """Whether an entry is still there."""
    return str(position).encode() in dict(await log.entries(log.keys("bob").log))


async def era(store: SqlProjectionStore) -> int:
    found = await store.checkpoint(0)
    return -1 if found is None else found.era


async def everything(store: SqlProjectionStore, log: Scribe) -> object:
    """What the store says of everybody."""
    at = await store.checkpoint(0)
    assert at is not None
    history = await store.newest(0, "f" * 32, 100_000)
    keys = {(row["owner"], row["task_id"]) for row in history if row["task_id"]}
    known = await store.known(at, keys, OWNERS, OWNERS)
    return at.position, known.tasks, known.inboxes, history


async def truth(settings: Settings, log: Scribe, folder: Path) -> object:
    """What one undisturbed projector makes of what the log has now."""
    url = f"sqlite:///{folder}/truth.db"
    migrate(settings.model_copy(update={"database_url": url}))
    alone = SqlProjectionStore(url)
    last = (await log.entries(log.keys("bob").log))[-1][0]
    async with projecting(settings, alone):
        await reached(alone, StreamId.parse(last))
    found = await everything(alone, log)
    await alone.close()
    return found


@pytest.mark.slow
async def test_the_tail_cut_off_at_20_places_gives_every_client_a_gap_and_then_the_truth(
    settings: Settings, log: Scribe, store: SqlProjectionStore, app: FastAPI, person: Any,
    tmp_path: Path,
):  # fmt: skip
    chance = random.Random(20)
    followers = [Follower(person(owner)) for owner in OWNERS]
    cuts = 0
    async with running(*(each.follow() for each in followers)):
        for _ in range(PLACES):
            last = await tell_all(log, chance.randint(3, 8))
            # Sometimes all of it is projected and shown by now, sometimes hardly any.
            await reached(store, last.id if chance.random() < 0.7 else before(last.id))
            shown, gaps = await store.checkpoint(0), [each.gaps for each in followers]
            assert shown is not None
            await cut(log, chance.randint(1, 9), keep_id=chance.random() < 0.3)
            await log.tell(created("behind the cut"), task_id())
            if await has(log, shown.position):
                continue
            cuts += 1
            await until(partial(era, store), lambda found, shown=shown: found > shown.era)
            for follower, seen in zip(followers, gaps, strict=True):
                await until(follower.seen, lambda found, seen=seen: found > seen)
        last = await tell_all(log, 3)
        await reached(store, last.id)
    assert cuts > PLACES / 2
    assert await everything(store, log) == await truth(settings, log, tmp_path)
    for follower, owner in zip(followers, OWNERS, strict=True):
        assert await follower.settle() == await Follower(person(owner)).settle()


async def test_ids_given_again_to_other_events_are_told_apart(
    settings: Settings, log: Scribe, store: SqlProjectionStore, tmp_path: Path
):
    """The server came back with an older copy and a clock behind: it gave the same ids again."""
    async with projecting(settings, store):
        last = await tell_all(log, 10)
        await reached(store, last.id)
    gone = (await log.entries(log.keys("bob").log))[-6:]
    await cut(log, 6)
    for entry, _ in gone:
        await log.tell(created("another"), task_id(), id=entry.decode())
    async with projecting(settings, store):
        last = await tell_some(log, 11)
        await reached(store, last.id)
    # Nothing but the content tells that these are not the ones that were projected: found out
    # once something else is missing.
    await cut(log, 1)
    async with projecting(settings, store):
        await until(partial(era, store), lambda found: found == 1)
        await reached(store, (await tell_some(log, 12)).id)
    assert await everything(store, log) == await truth(settings, log, tmp_path)


async def test_no_id_that_was_shown_is_given_again(
    settings: Settings, log: Scribe, store: SqlProjectionStore
):
    far = StreamId(4_000_000_000_000, 7)  # of a clock that was ahead
    async with projecting(settings, store):
        await tell_some(log, 1)
        await log.tell(created("ahead"), task_id(), id=str(far))
        await reached(store, far)
        await cut(log, 1)
        await until(partial(era, store), lambda found: found == 1)
        again = await log.tell(created("after"), task_id())
        assert again.id > far
        await reached(store, again.id)


async def test_what_was_trimmed_is_not_lost(
    settings: Settings, log: Scribe, store: SqlProjectionStore, tmp_path: Path
):
    keep_nothing = settings.model_copy(update={"log_keep": 0})
    async with projecting(keep_nothing, store):
        last = await tell_all(log, 12)
        await reached(store, last.id)

        async def left() -> int:
            return len(await log.entries(log.keys("bob").log))

        await until(left, lambda entries: entries == 1)
    before = await store.newest(0, "f" * 32, 1000)
    async with projecting(settings, store):
        last = await tell_some(log, 3)
        await reached(store, last.id)
        await cut(log, 1)
        await until(partial(era, store), lambda found: found == 1)
    after = await store.newest(0, "f" * 32, 1000)
    assert len(after) > len(before)
    assert after[-len(before) :] == before


async def test_a_log_whose_first_entry_nobody_could_read_goes_on_from_there(
    settings: Settings, log: Scribe, store: SqlProjectionStore
):
    """Nothing of it is in the history: the common place is just before it."""
    await log.raw("bob", {"hello": "world"})
    async with projecting(settings, store):
        last = await tell_all(log, 3)
        await reached(store, last.id)
        entries = await log.entries(log.keys("bob").log)
        await cut(log, len(entries) - 1)
        await until(partial(era, store), lambda found: found == 1)
        last = await tell_some(log, 4)
        await reached(store, last.id)
        assert {row["position"] for row in await store.newest(0, "f" * 32, 100)} == {
            StreamId.parse(entry).sortable
            for entry, _ in (await log.entries(log.keys("bob").log))[1:]
        }


async def test_a_loss_larger_than_one_look_is_found_whole(
    settings: Settings, log: Scribe, store: SqlProjectionStore, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.setattr(recovery, "ROWS_A_LOOK", 3)
    async with projecting(settings, store):
        last = await tell_all(log, 15)
        await reached(store, last.id)
        await cut(log, 20)
        await until(partial(era, store), lambda found: found == 1)
        await reached(store, (await tell_some(log, 20)).id)
    assert await everything(store, log) == await truth(settings, log, tmp_path)


async def test_of_several_holes_the_first_counts(
    settings: Settings, log: Scribe, store: SqlProjectionStore, tmp_path: Path
):
    """What is behind a hole in what the log still has is told anew by what it still has."""
    async with projecting(settings, store):
        last = await tell_all(log, 8)
        await reached(store, last.id)
        entries = await log.entries(log.keys("bob").log)
        at = next(n for n in range(5, len(entries)) if entries[n][1][b"t"] == b"progressed")
        hole = entries[at][0]
        async with log.client.at(log.keys("bob").log) as client:
            await client.xdel(log.keys("bob").log, hole)  # pyright: ignore  # untyped
        await cut(log, 1, keep_id=True)
        await until(partial(era, store), lambda found: found == 1)
        await reached(store, (await tell_some(log, 4)).id)
    assert await everything(store, log) == await truth(settings, log, tmp_path)


async def test_a_log_that_lost_its_tail_is_not_trimmed(settings: Settings, log: Scribe):
    """A projector that has not noticed yet must not take away what tells how much is lost."""
    first = await tell_some(log, 1)
    last = await tell_some(log, 2)
    client = connect_async(settings.redis_url)
    reader = LogReader(client, settings.namespace, 0)
    await cut(log, 1)
    entries = await log.entries(log.keys("bob").log)
    assert await reader.checkpoint("notify", last.id, keep_ms=0) == 0
    assert await log.entries(log.keys("bob").log) == entries
    assert await reader.checkpoint("notify", first.id, keep_ms=0) > 0
    await client.aclose()


async def test_it_is_told_in_one_line_and_all_goes_on_by_itself(
    settings: Settings, log: Scribe, store: SqlProjectionStore, caplog: pytest.LogCaptureFixture
):
    async with projecting(settings, store) as projector:
        last = await tell_some(log, 2)
        await reached(store, last.id)
        await cut(log, 1)
        await until(partial(era, store), lambda found: found == 1)

        async def state() -> str:
            return projector.state

        await until(state, lambda found: found == "ok")
        await reached(store, (await tell_some(log, 3)).id)
    assert lines(caplog) == ["log lost its tail"]
