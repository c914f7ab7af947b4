"""Requests a second of an owner: over replicas, told in headers; nobody refused without Redis."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from milepost.settings import Settings
from milepost_log.servers import open_servers_async
from milepost_notify.main import build
from milepost_service import request_limit
from notify_surroundings import API, BASE, SECRET, Person, Scribe, lines
from valkey_server import Valkey
from waiting import until

EACH = 3


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_requests_per_second": EACH})


@asynccontextmanager
async def replica(settings: Settings) -> AsyncGenerator[httpx.AsyncClient]:
    app = build(settings)
    async with app.router.lifespan_context(app):
        await until(app.state.ready, lambda checks: set(checks.values()) == {"ok"})
        transport = httpx.ASGITransport(app, client=("192.0.2.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            yield client


@pytest.fixture
async def http(settings: Settings, log: Scribe) -> AsyncGenerator[httpx.AsyncClient]:
    async with replica(settings) as client:
        yield client


async def statuses(asked: list[Any]) -> list[int]:
    return [(await each).status_code for each in asked]


async def refused(who: Person, path: str = "/tasks", **query: Any) -> httpx.Response:
    """Ask until refused; the answer."""
    for _ in range(1000):
        answer = await who.get(path, **query)
        if answer.status_code == 429:
            return answer
    raise AssertionError("never refused")


async def test_who_asks_too_often_is_told_when_to_come_again(http: httpx.AsyncClient) -> None:
    bob, ann = Person(http, "bob"), Person(http, "ann")
    first = await bob.get("/tasks")
    assert first.status_code == 200
    assert first.headers["ratelimit-policy"] == f'"requests";q={EACH};w=1'
    assert first.headers["ratelimit"] == f'"requests";r={EACH - 1};t=1'
    answer = await refused(bob)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:milepost:too-many-requests"
    assert answer.headers["retry-after"] == "1"
    assert re.fullmatch(r'"requests";r=0;t=1', answer.headers["ratelimit"])
    assert answer.headers["cache-control"] == "no-store"
    assert (await ann.get("/tasks")).status_code == 200
    await asyncio.sleep(int(answer.headers["retry-after"]))  # what it says is what is tested
    assert (await bob.get("/tasks")).status_code == 200


async def test_an_idle_poll_counts_too(http: httpx.AsyncClient) -> None:
    bob = Person(http, "bob")
    since = (await bob.get("/notifications")).json()["cursor"]
    assert (await refused(bob, "/notifications", since=since)).status_code == 429


async def test_replicas_count_together(
    settings: Settings, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_limit, "ASK_SECONDS", 20)  # a busy machine shall not let them in
    async with replica(settings) as second:
        began = time.monotonic()
        both = [Person(http, "bob"), Person(second, "bob")]
        asked = [each.get("/tasks") for _ in range(20) for each in both]
        found = [each.status_code for each in await asyncio.gather(*asked)]
        seconds = time.monotonic() - began
    assert EACH <= found.count(200) <= EACH + EACH * seconds + 1
    assert found.count(200) + found.count(429) == len(found)


async def test_without_credentials_the_address_counts(http: httpx.AsyncClient) -> None:
    found = await statuses([http.get(f"{API}/tasks") for _ in range(EACH * 5)])
    assert found[:EACH] == [401] * EACH
    assert 429 in found
    bad = {"Authorization": "Bearer nonsense"}
    again = await asyncio.gather(*(http.get(f"{API}/tasks", headers=bad) for _ in range(EACH * 2)))
    assert 429 in [each.status_code for each in again]
    assert (await Person(http, "bob").get("/tasks")).status_code == 200


async def test_backends_probes_and_the_page_are_not_counted(http: httpx.AsyncClient) -> None:
    backend = Person(http, "app", {"scopes": ["service"]})
    asked = [backend.get("/tasks", owner=f"user {number}") for number in range(EACH * 5)]
    assert set(await statuses(asked)) == {200}
    for path in (f"{API}/livez", f"{API}/readyz", f"{API}/metrics", "/"):
        answers = [await http.get(path) for _ in range(EACH * 3)]
        assert {each.status_code for each in answers} == {200}
        assert not any("ratelimit" in each.headers for each in answers)


async def test_off_costs_nothing_and_says_nothing(settings: Settings, log: Scribe) -> None:
    async with replica(settings.model_copy(update={"max_requests_per_second": None})) as http:
        bob = Person(http, "bob")
        answers = [await bob.get("/tasks") for _ in range(EACH * 5)]
        assert {each.status_code for each in answers} == {200}
        assert not any("ratelimit" in each.headers for each in answers)


@pytest.mark.parametrize("outage", [Valkey.kill, Valkey.freeze], ids=["gone", "frozen"])
async def test_without_redis_nobody_is_refused_or_kept_waiting(
    database_url: str, own_valkey: Valkey, outage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings.load(
        redis_url=own_valkey.url, partitions=1, durability="memory", database_url=database_url,
        secret=SECRET, max_requests_per_second=EACH,
    )  # fmt: skip
    servers = open_servers_async(settings.redis_url)
    await Scribe(servers, settings).name_logs()
    async with replica(settings) as http:
        bob = Person(http, "bob")
        await refused(bob)
        outage(own_valkey)
        began, answers = time.monotonic(), list[httpx.Response]()
        for _ in range(EACH * 10):
            answers.append(await bob.get("/tasks"))
        seconds = time.monotonic() - began
        assert {each.status_code for each in answers} == {200}
        assert not any("ratelimit" in each.headers for each in answers)
        assert seconds < 10  # not a timeout for each of them
        told = [line for line in lines(caplog) if "not limited" in line]
        assert len(told) == 1
        if outage is Valkey.freeze:
            own_valkey.thaw()
        else:
            own_valkey.start()

        async def ask() -> int:
            return (await bob.get("/tasks")).status_code

        await until(ask, lambda status: status == 429)
    await servers.aclose()
