"""What newer code wrote waits in order, and is shown once this code knows it, while all runs."""

import asyncio
import json
import os
import sys
from typing import Any, ClassVar

import pytest
from fastapi import FastAPI

from histories import created
from milepost import codec
from milepost import events as e
from milepost.settings import Settings
from milepost_notify.sql_replay import SqlReplayStore
from notify_surroundings import Person, Scribe, task_id
from waiting import until


class _Started(e.Payload):
    """`task.started` as a later release might have it."""

    type = "task.started"
    v: ClassVar[int] = 2

    worker: str
    zone: str = "nowhere"


async def newer(log: Scribe, task: str, owner: str = "bob") -> None:
    """Append a start that this code cannot read."""
    data = '{"worker":"w","zone":"north"}'
    await log.raw(owner, {"t": "started/2", "k": task, "o": owner, "a": 1, "d": data})


async def replay(settings: Settings) -> list[tuple[int, int]]:
    store = SqlReplayStore(settings.database_url)
    found = [await store.replay(partition) for partition in range(settings.partitions)]
    await store.close()
    return [(each.projected, each.parked) for each in found]


async def test_what_was_parked_is_shown_after_an_upgrade_and_a_replay(
    log: Scribe, settings: Settings, bob: Person, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, other = task_id(), task_id()
    await log.tell(created(), task)
    await newer(log, task)
    await log.tell(e.TaskSucceeded(result=1), task, attempt=1)
    last = await log.tell(created(), other)
    await bob.seen(last)
    rows, cursor = await bob.follow()
    assert {row["data"]["task_id"]: row["data"]["status"] for row in rows} == {
        task: "queued", other: "queued"
    }  # fmt: skip
    assert await replay(settings) == [(0, 2)]
    assert (await bob.poll(cursor))["gap"] is False

    monkeypatch.setitem(e.type_names, "task.started", _Started)
    monkeypatch.setitem(codec.UPCASTERS, ("task.started", 1), dict[str, Any])
    assert await replay(settings) == [(2, 0)]
    answer = await until(lambda: bob.poll(cursor), lambda answer: answer["gap"])
    told = {
        row["name"]: row["data"]
        for row in answer["notifications"]
        if row["name"] != "task_progress"
    }
    assert told == {"unread_message_count": 1}
    assert (await bob.read(f"/tasks/{task}"))["status"] == "succeeded"
    events = (await bob.read(f"/tasks/{task}/events"))["events"]
    assert [each["type"] for each in events] == ["task.created", "task.started", "task.succeeded"]

    # The projector that was at work all the time goes on behind it.
    await bob.seen(await log.tell(e.TaskDismissed(), task, attempt=1))
    rows, _ = await bob.follow(answer["cursor"])
    assert {row["name"]: row["data"] for row in rows}["unread_message_count"] == 0
    assert (await bob.read(f"/tasks/{task}"))["dismissed"] is True


async def test_the_command_says_what_still_waits(
    log: Scribe, settings: Settings, bob: Person, app: FastAPI
) -> None:
    async def command(*arguments: str) -> tuple[int, str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MILEPOST_")}
        environment |= {
            "MILEPOST_REDIS_URL": settings.redis_url,
            "MILEPOST_DATABASE_URL": settings.database_url,
            "MILEPOST_PARTITIONS": "1",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "milepost_cli", "replay", *arguments,
            env=environment, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):
            out, _ = await process.communicate()
        return process.returncode or 0, out.decode()

    assert await command() == (0, "nothing is parked\n")
    task = task_id()
    await newer(log, task)
    await bob.seen(await log.tell(created(), task))
    assert await command() == (1, "partition 0: 0 projected, 2 still parked\n")
    status, out = await command("--json")
    assert (status, json.loads(out)) == (1, [{"partition": 0, "projected": 0, "parked": 2}])
