"""Signing up, in and out: who gets a session, and from where it may be used."""

import asyncio
import time
import unicodedata
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from httpx import ASGITransport

from databases import EVERYWHERE
from milepost import keys, tokens
from milepost.errors import InvalidToken
from milepost.settings import Settings
from milepost_service.sessions import SESSION_COOKIE
from milepost_submit.main import build
from milepost_submit.passwords import Passwords
from same_steps import steps
from submit_surroundings import ORIGIN, SECRET, Bearer, Clock, Log

ACCOUNTS = "/api/submit/accounts"
SESSION = "/api/submit/session"
TASKS = "/api/submit/tasks"
PASSWORD = "correct horse battery"
BODY: dict[str, Any] = {"type": "free.form", "params": {}}
HERE = {"Origin": ORIGIN}


async def sign_up(client: httpx.AsyncClient, username: str) -> httpx.Response:
    return await client.post(ACCOUNTS, json={"username": username, "password": PASSWORD})


async def sign_in(
    client: httpx.AsyncClient, username: str, password: str = PASSWORD
) -> httpx.Response:
    return await client.post(SESSION, json={"username": username, "password": password})


def cookie_of(answer: httpx.Response) -> dict[str, Any]:
    (header,) = answer.headers.get_list("set-cookie")
    morsel = SimpleCookie(header)[SESSION_COOKIE]
    return {name: value for name, value in morsel.items() if value} | {"value": morsel.value}


@pytest.mark.parametrize(
    "username", ["bob", "bobby", "bob_1", "%", "김철수", "a b", "x" * 64, "😀"]
)
async def test_somebody_signs_up_and_in_and_is_a_local_owner(
    client: httpx.AsyncClient, username: str, log: Log
) -> None:
    who = {"username": username, "owner": f"local:{username}"}
    answer = await sign_up(client, username)
    assert (answer.status_code, answer.json()) == (201, who)
    assert "set-cookie" not in answer.headers
    answer = await sign_in(client, username)
    assert (answer.status_code, answer.json()) == (200, who)
    assert (await client.get(SESSION)).json() == who
    assert (await client.post(TASKS, json=BODY, headers=HERE)).status_code == 201
    assert [event.owner for event in log.events()] == [f"local:{username}"]


async def test_the_cookie_is_for_http_alone_lax_and_for_every_path(
    client: httpx.AsyncClient,
) -> None:
    await sign_up(client, "bob")
    cookie = cookie_of(await sign_in(client, "bob"))
    value = cookie.pop("value")
    expected = {"httponly": True, "samesite": "lax", "path": "/"}
    assert cookie == expected | {"max-age": str(30 * 24 * 3600)}
    with pytest.raises(InvalidToken):  # it opens no door as a bearer token
        tokens.verify(value, [SECRET], now=time.time(), audience="milepost")


@pytest.mark.parametrize(
    ("base_url", "public_url", "secure"),
    [
        ("https://milepost.test", None, True),
        ("http://milepost.test", "https://milepost.test", True),
        ("http://milepost.test", "http://milepost.test", False),
    ],
)
async def test_behind_tls_the_cookie_is_secure(
    settings: Settings, clock: Clock, base_url: str, public_url: str | None, secure: bool
) -> None:
    app = build(settings.model_copy(update={"public_url": public_url}), clock=clock)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=ASGITransport(app), base_url=base_url) as client,
    ):
        await sign_up(client, "bob")
        cookie = cookie_of(await sign_in(client, "bob"))
        assert ("secure" in cookie) is secure


@EVERYWHERE
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("bob", "bob"),
        ("bob", "BOB"),
        ("Straße", "STRASSE"),
        ("é", "e\u0301"),
        ("ﬁn", "fin"),
        ("Ａnn", "ann"),
        ("K", "k"),
        ("김", unicodedata.normalize("NFD", "김")),
    ],
)
async def test_spellings_of_one_username_are_taken_once(
    client: httpx.AsyncClient, first: str, second: str
) -> None:
    assert (await sign_up(client, first)).status_code == 201
    again = await sign_up(client, second)
    assert (again.status_code, again.json()["type"]) == (409, "urn:milepost:username-taken")
    assert (await sign_in(client, second)).json()["owner"] == f"local:{first}"


@EVERYWHERE
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("paypal", "p\u0430ypal"),
        ("bob", "b\u03bfb"),
        ("bob", "b\u200bob"),
        ("bob", "b\u043eb"),
        ("admin1", "adminl"),
        ("bob0", "bobo"),
        ("modern", "modem"),
        ("Ivan", "lvan"),
        ("сосо", "coco"),
    ],
)
async def test_usernames_that_look_alike_cannot_both_exist(
    client: httpx.AsyncClient, first: str, second: str
) -> None:
    assert (await sign_up(client, first)).status_code == 201
    again = await sign_up(client, second)
    assert (again.status_code, again.json()["type"]) == (409, "urn:milepost:username-taken")
    assert (await sign_in(client, second)).status_code == 401  # it is not the first one's either


@EVERYWHERE
async def test_of_many_who_want_names_that_look_alike_one_gets_his(
    client: httpx.AsyncClient,
) -> None:
    answers = await asyncio.gather(*(sign_up(client, name) for name in ("bob", "b\u043eb") * 3))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5


@EVERYWHERE
@pytest.mark.parametrize("second", ["bobby", "bob_1", "bo", "b%", "%", "_ob"])
async def test_usernames_that_only_look_like_patterns_of_each_other_are_apart(
    client: httpx.AsyncClient, second: str
) -> None:
    await sign_up(client, "bob")
    assert (await sign_in(client, second)).status_code == 401
    assert (await sign_up(client, second)).status_code == 201


@EVERYWHERE
async def test_of_many_who_want_a_username_at_once_one_gets_it(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(sign_up(client, name) for name in ("bob", "Bob", "BOB") * 3))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 8


@pytest.mark.parametrize(
    ("username", "password", "field"),
    [
        ("", PASSWORD, "username"),
        (" bob", PASSWORD, "username"),
        ("bob\u00a0", PASSWORD, "username"),
        ("bob\u3000", PASSWORD, "username"),
        ("b\nb", PASSWORD, "username"),
        ("b\u2028b", PASSWORD, "username"),
        ("b\x7fb", PASSWORD, "username"),
        ("x" * 65, PASSWORD, "username"),
        ("bob", "", "password"),
        ("bob", "eleven_char", "password"),
        ("bob", "x" * 1025, "password"),
        ("bob", "e\u0301" * 11, "password"),
        ("bob", "Password1234", "password"),
        ("bob", "qwertyuiop12", "password"),
        ("bob", "123456789012", "password"),
        ("bob", "passwordpassword", "password"),
        ("bob", "bobBOBbobBOB", "password"),
        ("bob", "milepostmilepost", "password"),
        ("\u200b\u2060", PASSWORD, "username"),
        ("\u3164", PASSWORD, "username"),
        (5, PASSWORD, "username"),
        ("bob", None, "password"),
    ],
)
async def test_what_is_no_account_is_422_at_its_field(
    client: httpx.AsyncClient, username: Any, password: Any, field: str
) -> None:
    answer = await client.post(ACCOUNTS, json={"username": username, "password": password})
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["errors"]] == [["body", field]]
    assert (await sign_in(client, "bob")).status_code == 401


async def test_a_password_is_the_same_however_a_keyboard_composes_it(
    client: httpx.AsyncClient,
) -> None:
    composed = "Grüße aus Köln"
    await client.post(ACCOUNTS, json={"username": "bob", "password": composed})
    answer = await sign_in(client, "bob", unicodedata.normalize("NFD", composed))
    assert answer.status_code == 200
    assert (await sign_in(client, "bob", composed.upper())).status_code == 401


async def test_where_sign_up_is_closed_it_is_403(
    settings: Settings, clock: Clock, log: Log
) -> None:
    app = build(settings.model_copy(update={"signup": "closed"}), clock=clock)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=ASGITransport(app), base_url=ORIGIN) as client,
    ):
        answer = await sign_up(client, "bob")
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:milepost:sign-up-closed")


async def test_unknown_users_and_wrong_passwords_get_the_same_answer(
    client: httpx.AsyncClient,
) -> None:
    await sign_up(client, "bob")
    wrong = await sign_in(client, "bob", "wrong horse battery")
    unknown = await sign_in(client, "nobody")
    impossible = await sign_in(client, "\n" * 300, "short")
    assert wrong.status_code == unknown.status_code == impossible.status_code == 401
    assert wrong.json() == unknown.json() == impossible.json()
    assert "set-cookie" not in wrong.headers


@pytest.mark.parametrize("password", ["wrong horse battery", "short"])
async def test_unknown_users_and_wrong_passwords_take_the_same_steps(
    client: httpx.AsyncClient, app: FastAPI, valkey_url: str, namespace: str,
    monkeypatch: pytest.MonkeyPatch, password: str,
) -> None:  # fmt: skip
    hashed: list[str] = []
    fits: Callable[[Passwords, str, str], bool] = Passwords._fits  # pyright: ignore[reportPrivateUsage]  # what takes the time

    def noting(self: Passwords, digest: str, text: str) -> bool:
        hashed.append(f"{digest.rsplit('$', 2)[0]} {text}")  # without salt and hash
        return fits(self, digest, text)

    monkeypatch.setattr(Passwords, "_fits", noting)
    await sign_up(client, "bob")
    await sign_in(client, "nobody", password)  # scripts are loaded
    found: list[list[str]] = []
    for name in ("bob", "nobody"):
        hashed.clear()
        with steps(valkey_url, namespace) as done:
            assert (await sign_in(client, name, password)).status_code == 401
        key = keys.limit(namespace, "sign-in", "account", name)
        found.append([*done.about(key), *done.about(f"'{name}'"), *hashed])
    assert found[0] == found[1]
    assert len(hashed) == 1


async def test_after_ten_failures_even_the_right_password_waits(
    client: httpx.AsyncClient, valkey: Any, log: Log
) -> None:
    await sign_up(client, "bob")
    await sign_up(client, "bobby")
    wrong = [sign_in(client, spelling, "wrong horse battery") for spelling in ("bob", "BOB") * 5]
    assert [answer.status_code for answer in await asyncio.gather(*wrong)] == [401] * 10
    answer = await sign_in(client, "bob")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 300
    assert (await sign_in(client, "bobby")).status_code == 200
    for key in log.names():
        if ":limit:" in key:
            valkey.expire(key, 0)  # the five minutes are over
    assert (await sign_in(client, "bob")).status_code == 200


async def test_an_address_that_tries_account_after_account_waits(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await sign_up(client, "bob")

    async def guess(address: str, number: int) -> int:
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as guessing:
            answer = await sign_in(guessing, f"nobody {number}", "short")
            assert answer.status_code == 401 or 1 <= int(answer.headers["retry-after"]) <= 300
            return answer.status_code

    found = [await guess(f"2001:db8::{number:x}", number) for number in range(101)]
    assert found == [401] * 100 + [429]
    transport = httpx.ASGITransport(app, client=("2001:db8:0:1::1", 1))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as other:
        assert (await sign_in(other, "bob")).status_code == 200


async def test_many_guesses_at_once_are_no_more_than_ten(client: httpx.AsyncClient) -> None:
    await sign_up(client, "bob")
    wrong = [sign_in(client, "bob", "wrong horse battery") for _ in range(20)]
    answers = [answer.status_code for answer in await asyncio.gather(*wrong)]
    assert sorted(answers) == [401] * 10 + [429] * 10


async def test_signing_in_well_is_no_failure(client: httpx.AsyncClient, log: Log) -> None:
    await sign_up(client, "bob")
    for _ in range(12):
        assert (await sign_in(client, "bob")).status_code == 200
    await sign_in(client, "nobody")
    limits = [key for key in log.names() if ":limit:" in key]
    assert limits
    assert not any("nobody" in key or "bob" in key for key in limits)
    assert all(0 < int(str(log.client.ttl(key))) <= 300 for key in limits)


async def test_signing_out_is_repeatable_and_clears_the_cookie(client: httpx.AsyncClient) -> None:
    await sign_up(client, "bob")
    await sign_in(client, "bob")
    answer = await client.delete(SESSION, headers=HERE)
    assert (answer.status_code, answer.content) == (204, b"")
    assert SESSION_COOKIE not in client.cookies
    assert (await client.get(SESSION)).status_code == 401
    assert (await client.delete(SESSION)).status_code == 204


FOREIGN = [
    "http://evil.test",
    "null",
    "",
    "http://milepost.test.evil.test",
    "http://milepost.test:81",
    "ftp://milepost.test",
    "milepost.test",
    "http://",
    "http://milepost.test:99999",
    "http://[::1",
]


@pytest.mark.parametrize("origin", [None, *FOREIGN])
@pytest.mark.parametrize("method_and_path", [f"POST {TASKS}", f"DELETE {SESSION}"])
async def test_a_session_is_of_no_use_to_other_sites(
    client: httpx.AsyncClient, log: Log, origin: str | None, method_and_path: str
) -> None:
    await sign_up(client, "bob")
    await sign_in(client, "bob")
    method, _, path = method_and_path.partition(" ")
    body = BODY if method == "POST" else None
    headers = {} if origin is None else {"Origin": origin}
    answer = await client.request(method, path, json=body, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert log.events() == []
    assert (await client.get(SESSION, headers=headers)).status_code == 200


@pytest.mark.parametrize("path", [SESSION, ACCOUNTS])
async def test_other_sites_sign_nobody_in_or_up(client: httpx.AsyncClient, path: str) -> None:
    body = {"username": "bob", "password": PASSWORD}
    answer = await client.post(path, json=body, headers={"Origin": "http://evil.test"})
    assert answer.status_code == 403


@pytest.mark.parametrize("origin", [ORIGIN, "https://milepost.test", "HTTP://MILEPOST.test:80"])
async def test_our_own_origin_is_known_in_every_spelling(
    client: httpx.AsyncClient, origin: str
) -> None:
    await sign_up(client, "bob")
    await sign_in(client, "bob")
    answer = await client.post(TASKS, json=BODY, headers={"Origin": origin})
    assert answer.status_code == 201


async def test_with_a_public_address_that_alone_is_our_origin(
    settings: Settings, clock: Clock, app: FastAPI
) -> None:
    app.state.settings = settings.model_copy(update={"public_url": "https://tasks.example/"})
    async with httpx.AsyncClient(
        transport=ASGITransport(app), base_url="https://inside.test"
    ) as client:
        await sign_up(client, "bob")
        await sign_in(client, "bob")
        for origin, status in (("https://tasks.example", 201), ("https://inside.test", 403)):
            answer = await client.post(TASKS, json=BODY, headers={"Origin": origin})
            assert answer.status_code == status


async def test_a_bearer_token_needs_no_origin_and_beats_the_cookie(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    await sign_up(client, "bob")
    await sign_in(client, "bob")
    headers = bearer("ann") | {"Origin": "http://evil.test"}
    assert (await client.post(TASKS, json=BODY, headers=headers)).status_code == 201
    assert [event.owner for event in log.events()] == ["ann"]
    assert (await client.get(SESSION, headers=headers)).json()["owner"] == "ann"


@pytest.mark.parametrize("value", ["", "abc", "a.b.c", "local:bob"])
async def test_a_broken_cookie_is_401(client: httpx.AsyncClient, value: str) -> None:
    headers = {"Cookie": f"{SESSION_COOKIE}={value}"}
    answer = await client.get(SESSION, headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"][:6]) == (401, "Bearer")


async def test_a_bearer_token_is_no_session_cookie(
    client: httpx.AsyncClient, bearer: Bearer
) -> None:
    token = bearer("bob")["Authorization"].removeprefix("Bearer ")
    headers = {"Cookie": f"{SESSION_COOKIE}={token}"}
    assert (await client.get(SESSION, headers=headers)).status_code == 401


async def test_passwords_are_kept_as_argon2id_and_not_logged(
    client: httpx.AsyncClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await sign_up(client, "bob")
    await sign_in(client, "bob")
    with open(settings.database_url.removeprefix("sqlite:///"), "rb") as file:  # noqa: ASYNC230, PTH123  # a test
        raw = file.read()
    assert PASSWORD.encode() not in raw
    assert PASSWORD not in caplog.text
