"""Sessions end: by signing out, by signing in again, unused, and at last in spite of all use."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from httpx import ASGITransport

from databases import EVERYWHERE
from milepost import keys, tokens
from milepost.settings import Settings
from milepost_log.servers import open_servers_async
from milepost_service.sessions import SESSION_COOKIE
from milepost_submit.main import build
from submit_surroundings import ORIGIN, SECRET, Bearer, Clock, session_of

pytestmark = EVERYWHERE

SESSION = "/api/submit/session"
CREDENTIAL = "/api/submit/credential"
ACCOUNT = {"username": "bob", "password": "correct horse battery"}
DAY = 24 * 3600
Replica = Callable[[], AbstractAsyncContextManager[httpx.AsyncClient]]


async def status(client: httpx.AsyncClient, cookie: str) -> int:
    answer = await client.get(SESSION, headers={"Cookie": f"{SESSION_COOKIE}={cookie}"})
    return answer.status_code


async def until(client: httpx.AsyncClient, cookie: str, wanted: int) -> None:
    deadline = time.monotonic() + 10
    while (found := await status(client, cookie)) != wanted:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.02)


@pytest.fixture
def replica(app: FastAPI, settings: Settings, clock: Clock) -> Replica:
    """Another process of submit beside the first."""

    @asynccontextmanager
    async def start() -> AsyncGenerator[httpx.AsyncClient]:
        other = build(settings, clock=clock)
        async with (
            other.router.lifespan_context(other),
            httpx.AsyncClient(transport=ASGITransport(other), base_url=ORIGIN) as client,
        ):
            yield client

    return start


async def test_a_session_that_is_used_ends_at_last_all_the_same(
    client: httpx.AsyncClient, clock: Clock
) -> None:
    cookie = await session_of(client)
    for _ in range(6):
        clock.now += 4.99 * DAY
        assert await status(client, cookie) == 200
    clock.now += 0.07 * DAY
    assert await status(client, cookie) == 401


async def test_a_session_that_is_not_used_ends_sooner(
    client: httpx.AsyncClient, clock: Clock
) -> None:
    cookie = await session_of(client)
    clock.now += 7 * DAY - 3600
    assert await status(client, cookie) == 200
    clock.now += 7 * DAY
    assert await status(client, cookie) == 401


async def test_signing_out_ends_the_session_in_every_process(
    client: httpx.AsyncClient, replica: Replica
) -> None:
    cookie = await session_of(client)
    async with replica() as other:
        assert await status(other, cookie) == 200  # which it remembers for a minute
        headers = {"Cookie": f"{SESSION_COOKIE}={cookie}", "Origin": ORIGIN}
        assert (await client.delete(SESSION, headers=headers)).status_code == 204
        assert await status(client, cookie) == 401
        await until(other, cookie, 401)


async def test_a_replica_that_starts_later_does_not_know_the_session_either(
    client: httpx.AsyncClient, replica: Replica, valkey: Any, namespace: str
) -> None:
    cookie = await session_of(client)
    headers = {"Cookie": f"{SESSION_COOKIE}={cookie}", "Origin": ORIGIN}
    await client.delete(SESSION, headers=headers)
    valkey.unlink(keys.revoked(namespace))  # five minutes are over
    async with replica() as other:
        assert await status(other, cookie) == 401


async def test_signing_in_makes_a_new_session_and_ends_the_one_that_came_along(
    client: httpx.AsyncClient,
) -> None:
    first = await session_of(client)
    headers = {"Cookie": f"{SESSION_COOKIE}={first}"}
    answer = await client.post(SESSION, json=ACCOUNT, headers=headers)
    second = answer.cookies[SESSION_COOKIE]
    client.cookies.clear()
    assert second != first
    assert (await status(client, first), await status(client, second)) == (401, 200)
    third = await session_of(client)
    assert (await status(client, second), await status(client, third)) == (200, 200)


async def test_signing_out_everywhere_ends_every_session_of_ones_own(
    client: httpx.AsyncClient, bearer: Bearer
) -> None:
    bobs = [await session_of(client) for _ in range(3)]
    ann = await session_of(client, "ann")
    headers = {"Cookie": f"{SESSION_COOKIE}={bobs[0]}", "Origin": ORIGIN}
    answer = await client.delete("/api/submit/sessions", headers=headers)
    assert (answer.status_code, "set-cookie" in answer.headers) == (204, True)
    assert [await status(client, each) for each in (*bobs, ann)] == [401, 401, 401, 200]
    shop, bob = bearer("shop", scopes=["service"]), bearer("bob")
    query = {"owner": "local:ann"}
    answer = await client.delete("/api/submit/sessions", params=query, headers=bob)
    assert (answer.status_code, await status(client, ann)) == (403, 200)
    answer = await client.delete("/api/submit/sessions", params=query, headers=shop)
    assert (answer.status_code, await status(client, ann)) == (204, 401)


async def test_somebody_sees_where_he_is_signed_in_and_ends_one_of_them(
    client: httpx.AsyncClient, clock: Clock, bearer: Bearer
) -> None:
    stale = await session_of(client)
    clock.now += 7 * DAY
    first = await session_of(client)
    clock.now += 60
    second = await session_of(client)
    anns = await session_of(client, "ann")
    mine = {"Cookie": f"{SESSION_COOKIE}={second}", "Origin": ORIGIN}
    found = (await client.get("/api/submit/sessions", headers=mine)).json()["sessions"]
    assert [each["current"] for each in found] == [True, False]
    assert found[0]["created_at"] > found[1]["created_at"] == found[1]["last_used_at"]
    assert all(each["expires_at"] > each["created_at"] for each in found)
    path = f"/api/submit/sessions/{found[1]['id']}"
    theirs = {"Cookie": f"{SESSION_COOKIE}={anns}", "Origin": ORIGIN}
    assert (await client.delete(path, headers=theirs)).status_code == 404
    assert (
        await client.delete(path, headers={**mine, "Origin": "http://x.test"})
    ).status_code == 403
    answer = await client.delete(path, headers=mine)
    assert (answer.status_code, "set-cookie" in answer.headers) == (204, False)
    assert (await client.delete(path, headers=mine)).status_code == 404
    assert [await status(client, each) for each in (stale, first, second)] == [401, 401, 200]
    shop, bob = bearer("shop", scopes=["service"]), bearer("bob")
    query = {"owner": "local:bob"}
    for headers, wanted in ((shop, 200), (bob, 403)):
        answer = await client.get("/api/submit/sessions", params=query, headers=headers)
        assert answer.status_code == wanted
    path = f"/api/submit/sessions/{found[0]['id']}"
    answer = await client.delete(path, headers=mine)
    assert (answer.status_code, "set-cookie" in answer.headers) == (204, True)


async def test_a_new_password_needs_the_present_one_and_ends_all_other_sessions(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    other, mine = [await session_of(client) for _ in range(2)]
    headers = {"Cookie": f"{SESSION_COOKIE}={mine}", "Origin": ORIGIN}
    old, new = ACCOUNT["password"], "staple battery horse"

    async def change(current: str, to: str) -> httpx.Response:
        body = {"current": current, "new": to}
        return await client.put("/api/submit/password", json=body, headers=headers)

    assert (await change("wrong horse battery", new)).status_code == 403
    for bad in ("short", "password1234", old, "bobbobbobbob"):
        answer = await change(old, bad)
        assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["body", "new"])
    assert await status(client, other) == 200
    with caplog.at_level("INFO", "milepost.audit"):
        assert (await change(old, new)).status_code == 204
    lines = [line.__dict__ for line in caplog.records if line.name == "milepost.audit"]
    assert [line["action"] for line in lines] == ["password.change", "session.end"]
    assert [await status(client, each) for each in (other, mine)] == [401, 200]
    assert (await client.post(SESSION, json=ACCOUNT)).status_code == 401
    answer = await client.post(SESSION, json=ACCOUNT | {"password": new})
    assert answer.status_code == 200


async def test_passwords_are_not_guessed_nor_changed_by_a_token_or_from_elsewhere(
    client: httpx.AsyncClient, bearer: Bearer
) -> None:
    mine = await session_of(client)
    headers = {"Cookie": f"{SESSION_COOKIE}={mine}", "Origin": ORIGIN}
    body = {"current": ACCOUNT["password"], "new": "staple battery horse"}
    path = "/api/submit/password"
    for wrong in (bearer("bob"), bearer("shop", scopes=["service", "admin"])):
        assert (await client.put(path, json=body, headers=wrong)).status_code == 403
    elsewhere = {**headers, "Origin": "http://x.test"}
    assert (await client.put(path, json=body, headers=elsewhere)).status_code == 403
    assert (await client.put(path, json=body)).status_code == 401
    for _ in range(10):
        guess = body | {"current": "wrong horse battery"}
        assert (await client.put(path, json=guess, headers=headers)).status_code == 403
    answer = await client.put(path, json=body, headers=headers)
    assert (answer.status_code, "retry-after" in answer.headers) == (429, True)


async def test_a_failed_sign_in_ends_nothing(client: httpx.AsyncClient) -> None:
    cookie = await session_of(client)
    headers = {"Cookie": f"{SESSION_COOKIE}={cookie}"}
    wrong = ACCOUNT | {"password": "wrong horse battery"}
    assert (await client.post(SESSION, json=wrong, headers=headers)).status_code == 401
    assert await status(client, cookie) == 200


async def test_nobody_can_make_a_cookie_for_a_session_that_was_never_begun(
    client: httpx.AsyncClient, clock: Clock
) -> None:
    good = await session_of(client)

    def signed(owner: str, session: str | None) -> str:
        return tokens.mint(
            owner, SECRET, now=clock.now, audience=tokens.SESSION_AUDIENCE, local=True,
            session=session,
        )  # fmt: skip

    known = tokens.verify(good, [SECRET], now=clock.now, audience=tokens.SESSION_AUDIENCE)
    assert await status(client, signed("local:bob", known.credential)) == 200
    for cookie in (
        signed("local:bob", None),
        signed("local:bob", "0" * 32),
        signed("local:ann", known.credential),
    ):
        assert await status(client, cookie) == 401


async def test_a_sign_out_that_nobody_could_hear_of_is_no_sign_out(
    client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = await session_of(client)
    registry: Any = app.state.parts.registry
    away = open_servers_async("redis://127.0.0.1:1/0")
    with monkeypatch.context() as patch:
        patch.setattr(registry.revoked, "_servers", away)
        headers = {"Cookie": f"{SESSION_COOKIE}={cookie}", "Origin": ORIGIN}
        answer = await client.delete(SESSION, headers=headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (503, False)
        assert await status(client, cookie) == 200
    await away.aclose()
    assert (await client.delete(SESSION, headers=headers)).status_code == 204


async def test_credentials_say_what_they_are(client: httpx.AsyncClient, clock: Clock) -> None:
    cookie = await session_of(client)
    answer = await client.get(CREDENTIAL, headers={"Cookie": f"{SESSION_COOKIE}={cookie}"})
    found = answer.json()
    assert len(found.pop("id")) == 32
    assert found.pop("expires_at").endswith("Z")
    assert found == {
        "owner": "local:bob",
        "kind": "session",
        "scopes": ["tasks:read", "tasks:write"],
        "tasks": None,
    }
