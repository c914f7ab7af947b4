"""Every client ends with the truth about its own tasks, whatever happens to those that serve it."""

import asyncio
import os
import random
import time
from typing import Any

import httpx
import pytest
import redis.asyncio

from histories import LOG_ID, OOPS
from milepost import events as e
from milepost.codec import encode, usual_actor
from milepost.cursors import ZERO
from milepost.events import Event
from milepost.settings import Settings
from milepost_log.connection import connect_async
from notify_processes import Deployment
from notify_surroundings import Scribe, until
from roaming import Roamer

OWNERS, TASKS_EACH = 50, 100
STORM_SECONDS = 20


class Writer:
    """Tells the log of many tasks, as scripts would, and knows how each ends."""

    def __init__(self, client: redis.asyncio.Redis, log: Scribe, dice: random.Random) -> None:
        self._client: Any = client
        self._log, self._dice = log, dice
        self._pipe: Any = self._client.pipeline(transaction=False)
        self.ends = dict[str, dict[str, str]]()
        """Owner -> task -> its last status, or dismissed."""

    async def one(self, owner: str, task: str, mark: str) -> None:
        """A task from its creation to its end, a few milliseconds between two events."""
        dice = self._dice
        self._tell(owner, task, 0, e.TaskCreated(
            task_type="unit.job", title=f"{mark}{task}", queue="default", params={"to": mark}
        ))  # fmt: skip
        await self._pause()
        attempt, end = 1, dice.choice(("succeeded", "failed", "cancelled", "dismissed"))
        self._tell(owner, task, attempt, e.TaskStarted(worker="w"))
        for percent in sorted(dice.uniform(0, 99) for _ in range(dice.randrange(4))):
            await self._pause()
            self._tell(owner, task, attempt, e.TaskProgressed(progress=percent, message=mark))
        if dice.random() < 0.2:
            back = e.TaskReturned(reason="worker_lost", worker="w", crashes=1)
            self._tell(owner, task, attempt, back)
            attempt = 2
            await self._pause()
            self._tell(owner, task, attempt, e.TaskStarted(worker="w"))
        await self._pause()
        last: e.Payload = e.TaskSucceeded(result=mark)
        if end == "failed":
            last = e.TaskFailed(error=OOPS, failures=1)
        elif end == "cancelled":
            last = e.TaskCancelled()
        self._tell(owner, task, attempt, last)
        if end == "dismissed":
            await self._pause()
            self._tell(owner, task, attempt, e.TaskDismissed())
        self.ends.setdefault(owner, {})[task] = end

    async def flush(self, done: asyncio.Event) -> None:
        """Send what was told, many at a time, until everything is."""
        while not done.is_set() or len(self._pipe):
            if len(self._pipe):
                pipe, self._pipe = self._pipe, self._client.pipeline(transaction=False)
                await pipe.execute()
            await asyncio.sleep(0.01)

    async def _pause(self) -> None:
        await asyncio.sleep(self._dice.uniform(0, STORM_SECONDS / 8))

    def _tell(self, owner: str, task: str, attempt: int, payload: e.Payload) -> None:
        by = usual_actor(payload.type, owner, task)
        event = Event(0, ZERO, task, owner, by, 0, attempt, None, payload)
        self._pipe.xadd(self._log.keys(owner).log, encode(event))


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"partitions": 4})


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_every_client_ends_with_the_truth_about_its_own_tasks(
    settings: Settings, log: Scribe
):
    seed = int(os.environ.get("STORM_SEED") or random.randrange(1_000_000))
    print(f"seed {seed}")
    dice = random.Random(seed)
    deployment = Deployment(settings)
    # This process is busy, too: its own connection is not what is tested.
    client = connect_async(settings.redis_url, connect_seconds=60, answer_seconds=60)
    told = asyncio.Event()
    writer = Writer(client, log, random.Random(seed + 1))
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    async with httpx.AsyncClient(limits=limits, timeout=5) as http:
        roamers = [
            Roamer(number % OWNERS, deployment.ports, settings.secret, http,
                   random.Random(seed + 2 + number))
            for number in range(OWNERS + 5)
        ]  # fmt: skip
        deployment.start()
        flushing = asyncio.create_task(writer.flush(told))
        roaming = [asyncio.create_task(each.roam()) for each in roamers]
        writing = asyncio.gather(*(
            writer.one(each.follower.owner, f"{each.mark}{number}", each.mark)
            for each in roamers[:OWNERS] for number in range(TASKS_EACH)
        ))  # fmt: skip
        try:
            began = time.monotonic()
            while time.monotonic() - began < STORM_SECONDS:
                print(deployment.strike(dice))
                await _drop_announcements(client, settings, dice)
                await asyncio.sleep(dice.uniform(0.5, 2))
                _raise_what_failed(roaming)
            deployment.calm()
            await writing
            told.set()
            await flushing

            async def missing() -> list[int]:
                _raise_what_failed(roaming)
                return [each.number for each in roamers if not _has_the_truth(each, writer)]

            await until(missing, lambda found: not found, 60)
            ways = sum((each.ways for each in roamers), type(roamers[0].ways)())
            print(dict(ways))
            assert all(ways[f"{way} 200"] > 20 for way in ("poll", "long poll", "stream")), ways
            await _the_same_as_somebody_new(roamers)
        finally:
            told.set()
            writing.cancel()
            for each in (*roaming, flushing):
                each.cancel()
            await asyncio.gather(*roaming, flushing, return_exceptions=True)
            await asyncio.gather(writing, return_exceptions=True)
            deployment.stop()
            await client.aclose()


def _has_the_truth(roamer: Roamer, writer: Writer) -> bool:
    ends, seen = writer.ends[roamer.follower.owner], roamer.follower.tasks
    return roamer.follower.shown.keys() == {
        task for task, end in ends.items() if end != "dismissed"
    } and all(task["status"] == ends[id] or task["dismissed"] for id, task in seen.items())


def _raise_what_failed(roaming: list[asyncio.Task[None]]) -> None:
    for each in roaming:
        if each.done():
            each.result()


async def _the_same_as_somebody_new(roamers: list[Roamer]) -> None:
    """To the last field: what clients have is what the state is."""
    for each in roamers:
        fresh = Roamer(each.number, each.ports, each.secret, each.http, random.Random(0))

        async def has_all(fresh: Roamer = fresh, each: Roamer = each) -> bool:
            fresh.follower.start_over()
            await fresh.poll_all()
            return fresh.follower.shown == each.follower.shown

        await until(has_all, bool)
        assert fresh.follower.unread == each.follower.unread


async def _drop_announcements(
    client: redis.asyncio.Redis, settings: Settings, dice: random.Random
) -> None:
    """Cut subscriptions, so that what is announced until the next is lost; or tell nonsense."""
    if dice.random() < 0.5:
        await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # pyright: ignore  # untyped
    else:
        lost = b'{"log":"%s","era":0,"from":"1-1","to":"2-2","owners":[]}' % LOG_ID.encode()
        channel = f"{settings.namespace}:wake:{dice.randrange(settings.partitions)}"
        await client.publish(channel, lost)  # pyright: ignore  # untyped
