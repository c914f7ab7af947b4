"""Requests and answers of owners' commands get lost: asked again, nothing is lost or doubled."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from log_probe import LogProbe
from milepost.errors import LogUnavailable
from milepost.events import InboxRead, TaskCreated
from milepost_log.commands import NewTask
from milepost_log.scripts import call_async
from valkey_cluster import BOTH

Answer = TypeVar("Answer")
TASKS = 40
CREATED = TaskCreated(task_type="sample.noop", title="T", queue="default", params={})


async def insist(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask until there is an answer."""
    while True:
        try:
            return await ask()
        except LogUnavailable:
            continue


@BOTH
@pytest.mark.parametrize("seed", range(3))
async def test_every_command_may_be_lost_and_is_done_once(
    valkey_url: str, namespace: str, seed: int, monkeypatch: pytest.MonkeyPatch
):
    dice, lost = random.Random(seed), Counter[str]()

    async def lossy(servers: Any, name: str, *asked: Any) -> Any:
        fate = dice.random()
        if fate < 0.2:
            raise LogUnavailable("the request was lost")
        answer = await call_async(servers, name, *asked)
        if fate < 0.5:
            lost[name] += 1
            raise LogUnavailable("the answer was lost")
        return answer

    async with LogProbe(valkey_url, namespace) as log:
        monkeypatch.setattr("milepost_log.commands.call_async", lossy)
        ask = log.commands
        tasks, marks = [str(uuid4()) for _ in range(TASKS)], list[str]()
        for task in tasks:
            one = [NewTask(task, "f", CREATED)]
            (accepted,) = await insist(lambda: ask.create("bob", one, max_live=1))  # noqa: B023  # at once
            assert accepted.id == task
            assert await insist(lambda: ask.cancel("bob", task)) == "cancelled"  # noqa: B023  # at once
            assert await insist(lambda: ask.dismiss("bob", task)) == "ok"  # noqa: B023  # at once
            await log.follow(lambda: log.types(task)[-1:] == ["dismissed"])  # noqa: B023  # at once
            until = log.events[task][-1].id
            await insist(lambda: ask.read("bob", until))  # noqa: B023  # at once
            marks.append(str(until))
        await log.follow(lambda: len(log.events[""]) >= TASKS)
    assert all(log.types(task) == ["created", "cancelled", "dismissed"] for task in tasks)
    read = [each.payload.until for each in log.events[""] if isinstance(each.payload, InboxRead)]
    assert read == marks
    assert lost.keys() == {"create", "cancel", "dismiss", "read"}
