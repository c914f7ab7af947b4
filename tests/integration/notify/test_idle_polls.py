"""Polls without news: short of FastAPI and of SQL, and the same answer, to the byte."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from histories import created
from milepost_notify import idle_polls
from milepost_notify.sql_reads import SqlReadStore
from milepost_service.metrics import Metrics
from notify_surroundings import Person, Scribe, task_id


@pytest.fixture
async def since(log: Scribe, bob: Person) -> str:
    """Bob's newest cursor."""
    await bob.seen(await log.tell(created(), task_id()))
    return (await bob.follow())[1]


def without_database(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on a look into the database is an error."""
    monkeypatch.setattr(SqlReadStore, "read", None)


async def test_an_idle_poll_touches_no_sql(
    app: FastAPI, bob: Person, since: str, monkeypatch: pytest.MonkeyPatch
):
    without_database(app, monkeypatch)
    for query in ({}, {"limit": "7"}, {"limit": "7", "tag": "red"}, {"wait": "0.01"}):
        answer = await bob.poll(since, **query)
        assert (answer["notifications"], answer["gap"], answer["cursor"]) == ([], False, since)


def _nothing(_: bytes) -> None:
    """Send every poll the long way."""


async def test_both_ways_give_the_same_answer(
    app: FastAPI, bob: Person, since: str, monkeypatch: pytest.MonkeyPatch
):
    async def polls() -> list[httpx.Response]:
        return [
            await bob.get("/notifications", since=since),
            await bob.get("/notifications", since=since, limit=5),
            await bob.get("/notifications", since=since, limit=0),
            await bob.get("/notifications", since="nonsense"),
            await bob.http.get("/api/notify/notifications", params={"since": since}),
            await bob.http.get(
                "/api/notify/notifications", params={"since": since},
                headers={"Authorization": "Bearer x"},
            ),
        ]  # fmt: skip

    def shown(answers: list[httpx.Response]) -> list[Any]:
        return [(each.status_code, sorted(each.headers.items()), each.content) for each in answers]

    # How soon to come again depends on the moment.
    monkeypatch.setattr("milepost_notify.delivery.POLL_MS_MOST", 250)
    short = shown(await polls())
    assert [status for status, _, _ in short] == [200, 200, 422, 422, 401, 401]
    monkeypatch.setattr(idle_polls, "_cursor", _nothing)
    assert shown(await polls()) == short


async def test_a_short_poll_is_counted_as_its_endpoint(app: FastAPI, bob: Person, since: str):
    metrics: Metrics = app.state.metrics

    async def counted() -> str:
        wanted = 'route="/api/notify/notifications",service="notify",status="200"'
        lines = (await metrics.text()).decode().splitlines()
        return next(line for line in lines if wanted in line)

    before = await counted()
    await bob.poll(since)
    assert await counted() != before


async def test_news_are_given_though_the_poll_began_as_an_idle_one(
    log: Scribe, bob: Person, since: str
):
    await bob.seen(await log.tell(created("two"), task_id()))
    rows, _ = await bob.follow(since)
    assert [row["data"]["title"] for row in rows] == ["two"]


async def test_a_token_that_may_not_read_gets_nothing_the_short_way(person: Any, since: str):
    writer = await person(scopes=["tasks:write"]).get("/notifications", since=since)
    assert writer.status_code == 403
    stranger = await person("bobby").poll(since)
    assert stranger["notifications"] == []
