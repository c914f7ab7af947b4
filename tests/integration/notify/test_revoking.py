"""Sessions and access tokens in notify: known by asking submit, and over when they are revoked."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from milepost.settings import Settings
from milepost_notify.main import build
from milepost_service.sessions import SESSION_COOKIE
from milepost_submit.main import build as build_submit
from notify_surroundings import API, BASE, Scribe, served
from submit_surroundings import session_of
from waiting import until

TOKENS = "/api/submit/access-tokens"


@pytest.fixture
async def submit(settings: Settings) -> AsyncGenerator[httpx.AsyncClient]:
    """A real submit on a real socket."""
    app = build_submit(settings.model_copy(update={"signup": "open"}))
    async with app.router.lifespan_context(app):
        await until(app.state.ready, lambda checks: checks["redis"] == "ok")
        async with served(app) as client:
            yield client


@pytest.fixture
async def app(
    settings: Settings, submit: httpx.AsyncClient, log: Scribe
) -> AsyncGenerator[FastAPI]:
    """A notify that asks it."""
    app = build(settings.model_copy(update={"submit_url": str(submit.base_url)}))
    async with app.router.lifespan_context(app):
        await until(app.state.ready, lambda checks: set(checks.values()) == {"ok"})
        yield app


@pytest.fixture
async def notify(app: FastAPI) -> AsyncGenerator[httpx.AsyncClient]:
    async with served(app) as client:
        yield client


async def bob_of(submit: httpx.AsyncClient) -> dict[str, str]:
    cookie = f"{SESSION_COOKIE}={await session_of(submit)}"
    return {"Cookie": cookie, "Origin": str(submit.base_url)}


async def token_of(submit: httpx.AsyncClient, bob: dict[str, str], **body: Any) -> dict[str, Any]:
    answer = await submit.post(TOKENS, json={"name": "laptop", **body}, headers=bob)
    assert answer.status_code == 201, answer.text
    return answer.json()


def bearer(token: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {token['token']}"}


async def status(notify: httpx.AsyncClient, headers: dict[str, str], **query: Any) -> int:
    return (await notify.get(f"{API}/notifications", params=query, headers=headers)).status_code


async def until_refused(notify: httpx.AsyncClient, headers: dict[str, str]) -> None:
    deadline = time.monotonic() + 10
    while (found := await status(notify, headers)) != 401:
        assert (found, time.monotonic() < deadline) == (200, True)
        await asyncio.sleep(0.02)


async def test_notify_knows_sessions_until_they_are_signed_out(
    submit: httpx.AsyncClient, notify: httpx.AsyncClient
) -> None:
    bob = await bob_of(submit)
    assert await status(notify, bob) == 200
    assert (await submit.delete("/api/submit/session", headers=bob)).status_code == 204
    await until_refused(notify, bob)


async def test_notify_knows_access_tokens_with_their_scopes_until_they_are_revoked(
    submit: httpx.AsyncClient, notify: httpx.AsyncClient
) -> None:
    bob = await bob_of(submit)
    reads, writes = [
        await token_of(submit, bob, scopes=[f"tasks:{each}"]) for each in ("read", "write")
    ]
    assert (await status(notify, bearer(reads)), await status(notify, bearer(writes))) == (200, 403)
    path = f"{TOKENS}/{reads['id']}"
    assert (await submit.delete(path, headers=bob)).status_code == 204
    await until_refused(notify, bearer(reads))


async def test_a_long_poll_ends_when_its_token_is_revoked(
    submit: httpx.AsyncClient, notify: httpx.AsyncClient, app: FastAPI
) -> None:
    async def places() -> int:
        return app.state.parts.places.taken("local:bob")

    bob = await bob_of(submit)
    token = await token_of(submit, bob)
    answer = await notify.get(f"{API}/notifications", headers=bearer(token))
    query = {"since": answer.json()["cursor"], "wait": 30}
    waiting = asyncio.create_task(status(notify, bearer(token), **query))
    await until(places, lambda taken: taken == 1)
    await submit.delete(f"{TOKENS}/{token['id']}", headers=bob)
    async with asyncio.timeout(10):
        assert await waiting == 401


async def test_a_stream_says_that_it_has_expired_when_its_session_is_over(
    submit: httpx.AsyncClient, notify: httpx.AsyncClient
) -> None:
    bob = await bob_of(submit)
    said: list[str] = []
    async with notify.stream("GET", f"{API}/notifications/stream", headers=bob) as answer:
        lines = answer.aiter_lines()
        assert await anext(lines)
        await submit.delete("/api/submit/session", headers=bob)
        async with asyncio.timeout(10):
            said = [line async for line in lines if line.startswith("event:")]
    assert said[-1:] == ["event: expired"]


async def test_without_submit_nobody_new_comes_in_and_those_known_stay(
    settings: Settings, submit: httpx.AsyncClient, log: Scribe
) -> None:
    bob = await bob_of(submit)
    token = bearer(await token_of(submit, bob))
    now = time.time()
    app = build(settings.model_copy(update={"submit_url": "http://127.0.0.1:1"}), clock=lambda: now)
    async with app.router.lifespan_context(app):
        await until(app.state.ready, lambda checks: set(checks.values()) == {"ok"})
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as notify:
            assert await status(notify, bob) == await status(notify, token) == 503
            garbage = {"Authorization": "Bearer mpt_x"}
            assert await status(notify, garbage) == 401
