"""The audit trail: who signed in or could not, and what became of sessions and access tokens."""

import logging
from collections.abc import Generator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from milepost import tokens
from milepost.logs import TextFormatter
from milepost_service.sessions import SESSION_COOKIE
from submit_surroundings import ORIGIN, SECRET, Bearer, Clock

SESSION = "/api/submit/session"
TOKENS = "/api/submit/access-tokens"
PASSWORD = "correct horse battery"
ACCOUNT = {"username": "bob", "password": PASSWORD}


class Kept(logging.Handler):
    """Keeps every line."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record)


@pytest.fixture
def trail(caplog: pytest.LogCaptureFixture) -> Generator[list[logging.LogRecord]]:
    """Every line that has been logged; it grows."""
    caplog.set_level(logging.INFO)
    kept = Kept()
    logging.getLogger().addHandler(kept)
    yield kept.lines
    logging.getLogger().removeHandler(kept)


def told(trail: list[logging.LogRecord], *names: str) -> list[tuple[Any, ...]]:
    """Action, who did it, and fields by name, of each line."""
    return [
        tuple(getattr(line, name, None) for name in ("action", "by", *names))
        for line in trail
        if line.name == "milepost.audit"
    ]


async def test_a_life_of_signing_up_in_out_and_failing_is_told(
    client: httpx.AsyncClient, trail: list[logging.LogRecord]
) -> None:
    await client.post("/api/submit/accounts", json=ACCOUNT)
    await client.post(SESSION, json=ACCOUNT | {"password": "wrong horse battery"})
    await client.post(SESSION, json=ACCOUNT | {"username": "my-password-typed-here"})
    await client.post(SESSION, json=ACCOUNT)
    cookie = client.cookies[SESSION_COOKIE]
    await client.post(SESSION, json=ACCOUNT)
    await client.delete(SESSION, headers={"Origin": ORIGIN})
    bob = "local:bob"
    assert told(trail, "address") == [
        ("account.create", bob, "127.0.0.1"),
        ("session.refused", bob, "127.0.0.1"),
        ("session.refused", "nobody", "127.0.0.1"),
        ("session.begin", bob, "127.0.0.1"),
        ("session.end", bob, "127.0.0.1"),
        ("session.begin", bob, "127.0.0.1"),
        ("session.end", bob, "127.0.0.1"),
    ]
    begun, ended = (
        [line[2] for line in told(trail, "credential") if line[0] == f"session.{name}"]
        for name in ("begin", "end")
    )
    assert begun == ended
    assert len(set(begun)) == 2
    shown = "\n".join(TextFormatter().format(line) for line in trail)
    for secret in (PASSWORD, "wrong horse", "my-password", cookie):
        assert secret not in shown


async def test_who_is_held_up_is_told(
    client: httpx.AsyncClient, trail: list[logging.LogRecord]
) -> None:
    for _ in range(11):
        await client.post(SESSION, json=ACCOUNT)
    assert [line[0] for line in told(trail)] == ["session.refused"] * 10 + ["session.limited"]


async def test_access_tokens_are_told_of_by_their_id_alone(
    client: httpx.AsyncClient, bearer: Bearer, trail: list[logging.LogRecord]
) -> None:
    shop = bearer("shop", scopes=["service"])
    body = {"name": "ci", "owner": "ann"}
    made = (await client.post(TOKENS, json=body, headers=shop)).json()
    path = f"{TOKENS}/{made['id']}"
    await client.delete(path, params={"owner": "ann"}, headers=shop)
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert (await client.get(SESSION, headers=headers)).status_code == 401
    assert told(trail, "owner", "credential", "address") == [
        ("access-token.create", "shop", "ann", made["id"], "127.0.0.1"),
        ("access-token.revoke", "shop", "ann", made["id"], "127.0.0.1"),
        ("credentials.refused", "nobody", None, None, "127.0.0.1"),
    ]
    assert all(made["token"] not in TextFormatter().format(line) for line in trail)


async def test_refused_tokens_are_told_of_once_a_minute_for_each_address(
    app: FastAPI, client: httpx.AsyncClient, clock: Clock, trail: list[logging.LogRecord]
) -> None:
    bad = tokens.mint("bob", SECRET[::-1], now=clock.now)

    async def come(address: str = "127.0.0.1") -> None:
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as one:
            await one.get(SESSION, headers={"Authorization": f"Bearer {bad}"})

    for address in ("127.0.0.1", "127.0.0.1", "127.0.0.1", "192.0.2.1"):
        await come(address)
    clock.now += 60
    await come()
    assert told(trail, "address", "unsaid") == [
        ("credentials.refused", "nobody", "127.0.0.1", None),
        ("credentials.refused", "nobody", "192.0.2.1", None),
        ("credentials.refused", "nobody", "127.0.0.1", 2),
    ]
    assert (await client.get(SESSION)).status_code == 401  # nobody tried anything: not told
    assert len(told(trail)) == 3


async def test_who_lacks_a_scope_of_power_is_told(
    client: httpx.AsyncClient, bearer: Bearer, trail: list[logging.LogRecord]
) -> None:
    body = {"form": "bearer", "text": "x"}
    await client.post("/api/submit/introspection", json=body, headers=bearer("bob"))
    assert told(trail, "scope", "path") == [
        ("scope.refused", "bob", "service", "/api/submit/introspection")
    ]


async def test_nobody_writes_the_trail_for_somebody_else(
    client: httpx.AsyncClient, bearer: Bearer, trail: list[logging.LogRecord]
) -> None:
    body = {"form": "bearer", "text": "x"}
    name = "bob action=admin by=root\u2028forged"
    await client.post("/api/submit/introspection", json=body, headers=bearer(name))
    (line,) = [TextFormatter().format(each) for each in trail if each.name == "milepost.audit"]
    assert ' by="bob action=admin by=root\\u2028forged" ' in line
    assert len(line.splitlines()) == 1
