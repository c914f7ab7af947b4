"""Ended tasks leave what people see by the log's time, through a running projector."""

from collections.abc import AsyncGenerator

import httpx
import pytest
from fastapi import FastAPI

from histories import NOON, created
from milepost import events as e
from milepost.cursors import Cursor
from milepost.settings import Settings
from milepost_notify.main import build
from milepost_notify.projecting import DAY_MS
from notify_surroundings import BASE, Person, Scribe, task_id
from waiting import until


@pytest.fixture
async def app(settings: Settings, log: Scribe) -> AsyncGenerator[FastAPI]:
    """Notify that keeps ended tasks for two days."""
    app = build(settings.model_copy(update={"history_days": 2.0}))
    async with app.router.lifespan_context(app):
        await until(app.state.ready, lambda checks: set(checks.values()) == {"ok"})
        yield app


async def test_what_ended_long_ago_is_gone_for_its_owner_and_nothing_else(
    log: Scribe, settings: Settings, app: FastAPI
) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as http:
        bob = Person(http, "bob")
        old, live, young = task_id(), task_id(), task_id()
        ms = NOON

        async def tell(payload: e.Payload, task: str, attempt: int = 0, later: int = 1) -> Cursor:
            nonlocal ms
            ms += later
            return await log.tell(payload, task, attempt=attempt, id=f"{ms}-0")

        await tell(created(), live)
        await tell(created(), old)
        await tell(e.TaskCancelled(), old)
        await bob.seen(await tell(created(), young))
        _, first = await bob.follow()
        await bob.seen(await tell(e.TaskCancelled(), young, later=DAY_MS))
        rows, cursor = await bob.follow(first)
        assert [row["data"] for row in rows if row["name"] == "unread_message_count"] == [2]

        await bob.seen(await tell(e.TaskStarted(worker="w"), live, 1, later=DAY_MS + 3_600_000))
        answer = await bob.poll(cursor)
        assert answer["gap"] is False
        counts = [
            row["data"] for row in answer["notifications"] if row["name"].startswith("unread")
        ]
        assert counts == [1]
        assert (await bob.get(f"/tasks/{old}")).status_code == 404
        assert {task["id"] for task in (await bob.read("/tasks"))["tasks"]} == {live, young}
        assert (await bob.read(f"/tasks/{live}"))["status"] == "running"
        assert (await bob.poll(first))["gap"] is True

        # The row in memory went as well: what comes later of it changes nothing.
        await tell(e.TaskDismissed(), old)
        await bob.seen(await tell(e.TaskDismissed(), young))
        rows, _ = await bob.follow(answer["cursor"])
        assert {row["data"]["task_id"] for row in rows if row["name"] == "task_progress"} == {young}
        assert [row["data"] for row in rows if row["name"].startswith("unread")] == [0]
