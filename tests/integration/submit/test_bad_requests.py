"""Whatever is wrong with a request: its status, a problem document, and nothing in the log."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import pytest
from fastapi import FastAPI

from milepost import tokens
from milepost.cursors import ZERO, Cursor
from milepost.ids import uuid7
from milepost.settings import Settings
from milepost_service.sessions import SESSION_COOKIE
from submit_surroundings import ORIGIN, SECRET, Bearer, Clock, Log, session_of

BODY: dict[str, Any] = {"type": "mail.send", "params": {"to": ["ann@example.test"]}}
TASKS = "/api/submit/tasks"
BATCH = f"{TASKS}/batch"
READ = "/api/submit/inbox/read"
ID = uuid7(1_700_000_000_000, bytes(10))
JSON = {"Content-Type": "application/json"}


def changed(**changes: Any) -> bytes:
    return json.dumps(BODY | changes).encode()


def params(text: str) -> bytes:
    return b'{"type": "free.form", "params": %s}' % text.encode()


def nested(depth: int) -> str:
    """An object that is `depth` levels deep."""
    return '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


def sent_as(content_type: str) -> dict[str, str]:
    return {"Content-Type": content_type}


@dataclass
class Bad:
    """A request as bob, unless it says otherwise, that has to be refused."""

    what: str
    status: int
    body: bytes | None = None
    method: str = "POST"
    path: str = TASKS
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    loc: list[str | int] | None = None


def bodies(status: int, cases: dict[str, bytes], path: str = TASKS) -> list[Bad]:
    return [Bad(what, status, body, path=path) for what, body in cases.items()]


NOT_JSON = bodies(
    400,
    {
        "cut off": b'{"type": "free.form"',
        "a word": b"mail",
        "two values": b"{} {}",
        "single quotes": b"{'type': 1}",
        "a trailing comma": b'{"type": "free.form", "params": {},}',
        "a comment": b'{"type": "free.form", "params": {} /* x */}',
        "NaN": params('{"n": NaN}'),
        "Infinity": params('{"n": Infinity}'),
        "-Infinity": params('{"n": -Infinity}'),
        "a float beyond a double": params('{"n": 1e400}'),
        "an integer beyond a double": params('{"n": -1%s}' % ("0" * 310)),
        "an integer of 5,000 digits": params('{"n": %s}' % ("9" * 5000)),
        "a name twice": params('{"n": 1, "n": 1}'),
        "a name twice by escape": params('{"n": 1, "\\u006e": 2}'),
        "a name twice outside": b'{"type": "free.form", "params": {}, "params": {}}',
        "a lone high surrogate": params('{"n": "\\ud83d"}'),
        "a lone low surrogate": params('{"n": "x\\ude00y"}'),
        "surrogates the wrong way round": params('{"n": "\\ude00\\ud83d"}'),
        "a lone surrogate in a name": params('{"\\ud83d": 1}'),
        "U+0000 in a value": params('{"n": "a\\u0000b"}'),
        "U+0000 in a name": params('{"\\u0000": 1}'),
        "a raw control character": params('{"n": "a\x01b"}'),
        "nesting over 32 levels": params(nested(32)),
        "nesting 100,000 deep": params(nested(100_000)),
        "arrays 100,000 deep": b"[" * 100_000,
        "bytes that are not UTF-8": params('{"n": "?"}').replace(b"?", b"\xff"),
        "an overlong encoding": params('{"n": "?"}').replace(b"?", b"\xc0\xaf"),
        "an encoded surrogate": params('{"n": "?"}').replace(b"?", b"\xed\xa0\x80"),
        "UTF-16": json.dumps(BODY).encode("utf-16"),
        "a byte order mark": b"\xef\xbb\xbf" + json.dumps(BODY).encode(),
    },
)

WRONG = bodies(
    422,
    {
        "nothing": b"",
        "null": b"null",
        "an array": b"[]",
        "a string": b'"x"',
        "a number": b"1",
        "no type": b'{"params": {}}',
        "no params": b'{"type": "free.form"}',
        "an unknown field": changed(colour="red"),
        "an unknown field of the server's": changed(status="succeeded"),
        "a type that is a number": changed(type=1),
        "params that are an array": changed(params=[]),
        "params that are null": changed(params=None),
        "params that are text": changed(params="{}"),
        "params without a required field": changed(params={}),
        "params with an unknown field": changed(params={"to": ["a@b.test"], "x": 1}),
        "params with a wrong format": changed(params={"to": ["ann"]}),
        "params with a wrong type": changed(params={"to": "a@b.test"}),
        "params with too many items": changed(params={"to": ["a@b.test"] * 101}),
        "params over their limit": params('{"n": "%s"}' % ("x" * 600_000)),
        "an id that is a number": changed(id=1),
        "an id that is a word": changed(id="bob"),
        "an empty id": changed(id=""),
        "an id that is a UUIDv4": changed(id="f47ac10b-58cc-4372-a567-0e02b2c3d479"),
        "an id without dashes": changed(id=ID.replace("-", "")),
        "an id in braces": changed(id=f"{{{ID}}}"),
        "an id with a line break": changed(id=f"{ID}\n"),
        "an empty title": changed(title=""),
        "a blank title": changed(title="   "),
        "a title of 201": changed(title="x" * 201),
        "a title with a line break": changed(title="a\nb"),
        "a title with a control character": changed(title="a\x7fb"),
        "a title that is a number": changed(title=7),
        "eleven tags": changed(tags=[str(number) for number in range(11)]),
        "a tag of 65": changed(tags=["x" * 65]),
        "an empty tag": changed(tags=[""]),
        "a tag with a control character": changed(tags=["a\tb"]),
        "a tag that is a number": changed(tags=[1]),
        "tags that are text": changed(tags="abc"),
        "a delay below 0": changed(delay_seconds=-1),
        "a delay over a year": changed(delay_seconds=366 * 24 * 3600),
        "a delay as text": changed(delay_seconds="5"),
        "a delay that is a boolean": changed(delay_seconds=True),
        "an unknown priority": changed(priority="urgent"),
        "a priority in capitals": changed(priority="HIGH"),
        "a priority that is null": changed(priority=None),
        "an owner that is a number": changed(owner=1),
    },
)

BATCHES = [
    *bodies(
        422,
        {
            "a batch of none": b'{"tasks": []}',
            "a batch that is null": b'{"tasks": null}',
            "a batch that is an object": b'{"tasks": {}}',
            "a batch without tasks": b"{}",
            "a batch with an unknown field": b'{"tasks": [%s], "x": 1}' % changed(),
            "a batch of 1,001": b'{"tasks": [%s]}' % b",".join([changed()] * 1001),
        },
        BATCH,
    ),
    Bad("an item that is null", 422, b'{"tasks": [%s, null]}' % changed(), path=BATCH,
        loc=["body", "tasks", 1]),
    Bad("an item with wrong params", 422,
        b'{"tasks": [%s, %s]}' % (changed(), changed(params={"to": ["a@b.test", "x"]})),
        path=BATCH, loc=["body", "tasks", 1, "params", "to", 1]),
    Bad("an item of an unknown type before one that is wrong", 404,
        b'{"tasks": [%s, %s, {}]}' % (changed(), changed(type="no.such")),
        path=BATCH, loc=["body", "tasks", 1, "type"]),
    Bad("an item that is wrong before one of an unknown type", 422,
        b'{"tasks": [%s, %s]}' % (changed(title=""), changed(type="no.such")),
        path=BATCH, loc=["body", "tasks", 0, "title"]),
    Bad("an item of a private type", 404, b'{"tasks": [%s]}' % changed(type="app.only"),
        path=BATCH, loc=["body", "tasks", 0, "type"]),
    Bad("an id twice in a batch", 422,
        b'{"tasks": [%s, %s, %s]}' % (changed(id=ID), changed(), changed(id=ID.upper())),
        path=BATCH, loc=["body", "tasks", 2, "id"]),
    Bad("a second owner in a batch", 422, b'{"tasks": [%s, %s]}' % (changed(), changed(owner="x")),
        path=BATCH, loc=["body", "tasks", 1, "owner"]),
    Bad("another's batch", 403, b'{"tasks": [%s], "owner": "bobby"}' % changed(), path=BATCH,
        loc=["body", "owner"]),
    Bad("another's batch by query", 403, b'{"tasks": [%s]}' % changed(), path=BATCH,
        query={"owner": "bobby"}, loc=["query", "owner"]),
    Bad("another's batch by its first item", 403, b'{"tasks": [%s]}' % changed(owner="bobby"),
        path=BATCH, loc=["body", "tasks", 0, "owner"]),
    Bad("another's first item", 403, b'{"tasks": [%s]}' % changed(owner="bobby"), path=BATCH),
    Bad("more tasks than may live", 429, b'{"tasks": [%s]}' % b",".join([changed()] * 51),
        path=BATCH, loc=["body", "tasks", 50]),
    Bad("a batch over its limit", 413, b" " * (8 * 1024 * 1024 + 1), path=BATCH),
]  # fmt: skip

REST = [
    Bad("a type nobody announced", 404, changed(type="no.such"), loc=["body", "type"]),
    Bad("an empty type", 404, changed(type="")),
    Bad("a type of 100,000 characters", 404, changed(type="x" * 100_000)),
    Bad("a private type", 404, changed(type="app.only"), loc=["body", "type"]),
    Bad("another's owner", 403, changed(owner="bobby")),
    Bad("another's owner in the query", 403, changed(), query={"owner": "bobby"}),
    Bad("a body over its limit", 413, b" " * (1024 * 1024 + 1)),
    Bad("a form", 415, b"type=free.form", headers=sent_as("application/x-www-form-urlencoded")),
    Bad("JSON sent as text", 415, changed(), headers=sent_as("text/plain")),
    Bad("JSON sent as nothing", 415, changed(), headers=sent_as("")),
    Bad("JSON in Latin 1", 415, changed(), headers=sent_as("application/json; charset=latin-1")),
    Bad("an empty Idempotency-Key", 422, changed(), headers={"Idempotency-Key": ""}),
    Bad("an Idempotency-Key of 256", 422, changed(), headers={"Idempotency-Key": "k" * 256}),
    Bad("no cursor", 422, b'{"until": ""}', path=READ, loc=["body", "until"]),
    Bad("a word for a cursor", 422, b'{"until": "now"}', path=READ, loc=["body", "until"]),
    Bad("a cursor that is a number", 422, b'{"until": 5}', path=READ, loc=["body", "until"]),
    Bad("a stream id for a cursor", 422, b'{"until": "1-1"}', path=READ, loc=["body", "until"]),
    Bad("a cursor of another partition", 422,
        b'{"until": "%s"}' % str(Cursor(9, b"logx", 0, ZERO, 0)).encode(), path=READ),
    Bad("another's inbox", 403, b'{"until": "x", "owner": "bobby"}', path=READ),
    Bad("cancelling what is not there", 404, path=f"{TASKS}/{ID}/cancel"),
    Bad("retrying what is not there", 404, path=f"{TASKS}/{ID}/retry"),
    Bad("dismissing what is not there", 404, path=f"{TASKS}/{ID}/dismiss"),
    Bad("cancelling what is no id", 404, path=f"{TASKS}/bob/cancel"),
    Bad("cancelling U+0000", 404, path=f"{TASKS}/%00/cancel"),
    Bad("cancelling with a body", 422, b'{"x": 1}', path=f"{TASKS}/{ID}/cancel"),
    Bad("cancelling with a large body", 413, b" " * (1024 * 1024 + 1), path=f"{TASKS}/{ID}/cancel"),
    Bad("an unknown path", 404, path="/api/submit/nothing"),
    Bad("a trailing slash", 404, path=f"{TASKS}/", body=changed()),
    Bad("a doubled slash", 404, path="/api//submit/tasks", body=changed()),
    Bad("a path in capitals", 404, path="/api/submit/TASKS", body=changed()),
    Bad("a path of 5,000 characters", 404, path=f"/api/submit/{'x' * 5000}"),
    Bad("a path outside", 404, path="/api/other"),
]  # fmt: skip


def check_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:milepost:")
    assert problem["title"]
    assert problem["detail"]
    for error in problem.get("errors", []):
        assert set(error) == {"loc", "msg"}
    if status == 422:
        assert problem["errors"]
        assert len(problem["errors"]) <= 20
    assert len(answer.content) < 10_000
    return problem


@pytest.mark.parametrize("bad", [*NOT_JSON, *WRONG, *BATCHES, *REST], ids=lambda bad: bad.what)
async def test_a_bad_request_is_told_so_and_changes_nothing(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, bad: Bad
) -> None:
    before = log.names()
    headers = JSON | bearer("bob") | bad.headers
    answer = await client.request(
        bad.method, bad.path, content=bad.body, headers=headers, params=bad.query
    )
    problem = check_problem(answer, bad.status)
    if bad.loc is not None:
        assert problem["errors"][0]["loc"] == bad.loc
    assert log.names() == before
    assert log.events() == []


async def test_what_is_just_good_enough_is_accepted(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    good = [
        params(nested(31)),
        params('{"n": 1.7976931348623157e308, "i": -179769313486231570000000000000}'),
        params('{"n": "\\ud83d\\ude00 한글 \\\\u0000", "\\u0001": 1}'),
        changed(title="김" * 200, tags=["x" * 64] * 10, delay_seconds=365 * 24 * 3600),
        changed(id=None, title=None, delay_seconds=None, owner=None),
        changed(owner="bob"),
        b" \n" + changed() + b"\t",
    ]
    for body in good:
        answer = await client.post(TASKS, content=body, headers=JSON | bearer("bob"))
        assert answer.status_code == 201, answer.text
    for kind in ("application/json; charset=UTF-8", "application/vnd.x+json"):
        headers = bearer("bob") | {"Content-Type": kind}
        assert (await client.post(TASKS, content=changed(), headers=headers)).status_code == 201
    assert len(log.events()) == len(good) + 2


async def test_a_chunked_body_over_the_limit_is_refused_while_it_streams_in(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, settings: Settings
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 50 * settings.max_body_bytes:
            sent += 64 * 1024
            yield b" " * 64 * 1024

    answer = await client.post(TASKS, content=endless(), headers=JSON | bearer("bob"))
    check_problem(answer, 413)
    assert sent <= 2 * settings.max_body_bytes
    assert log.events() == []


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (TASKS, "POST"),
        (BATCH, "POST"),
        (f"{TASKS}/{ID}/cancel", "POST"),
        (READ, "POST"),
        ("/api/submit/accounts", "POST"),
        ("/api/submit/session", "GET, HEAD, POST, DELETE"),
        ("/api/submit/task-types", "GET, HEAD"),
        ("/api/submit/livez", "GET, HEAD"),
        ("/api/submit/readyz", "GET, HEAD"),
        ("/api/submit/metrics", "GET, HEAD"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "BREW"])
async def test_a_method_that_a_path_does_not_take_is_answered_with_those_it_takes(
    client: httpx.AsyncClient, bearer: Bearer, path: str, allowed: str, method: str
) -> None:
    answer = await client.request(method, path, headers=bearer("bob"))
    check_problem(answer, 405)
    assert answer.headers["allow"] == allowed


def _foreign(**claims: Any) -> str:
    return jwt.encode(claims, SECRET, algorithm="HS256")


def bad_credentials(now: float) -> dict[str, str]:
    """Authorization headers that prove nothing."""
    good = tokens.mint("bob", SECRET, now=now)
    base: dict[str, Any] = {"sub": "bob", "aud": "milepost", "exp": now + 60}
    return {
        "nothing behind it": "Bearer",
        "only a space": "Bearer ",
        "another scheme": f"Basic {good}",
        "the token alone": good,
        "a word": "Bearer abc",
        "a part missing": f"Bearer {good.rpartition('.')[0]}",
        "a changed signature": f"Bearer {good[:-4]}AAAA",
        "8,193 characters": "Bearer " + "a" * 8193,
        "no algorithm": "Bearer " + jwt.encode(base, "", algorithm="none"),
        "another algorithm": "Bearer " + jwt.encode(base, SECRET * 2, algorithm="HS512"),
        "another secret": "Bearer " + tokens.mint("bob", SECRET[::-1], now=now),
        "expired": "Bearer " + tokens.mint("bob", SECRET, now=now - 1000),
        "no expiry": "Bearer " + _foreign(sub="bob", aud="milepost"),
        "an expiry that never comes": "Bearer " + _foreign(**{**base, "exp": float("nan")}),
        "an expiry beyond a double": "Bearer " + _foreign(**{**base, "exp": 10**400}),
        "not valid yet": "Bearer " + _foreign(**base, nbf=now + 60),
        "another audience": "Bearer " + _foreign(**{**base, "aud": "other"}),
        "the session's audience": "Bearer " + _foreign(**{**base, "aud": tokens.SESSION_AUDIENCE}),
        "no audience": "Bearer " + _foreign(sub="bob", exp=now + 60),
        "no subject": "Bearer " + _foreign(aud="milepost", exp=now + 60),
        "an empty subject": "Bearer " + _foreign(**{**base, "sub": ""}),
        "a subject with a control character": "Bearer " + _foreign(**{**base, "sub": "a\nb"}),
        "a subject of 256": "Bearer " + _foreign(**{**base, "sub": "x" * 256}),
        "a local account": "Bearer " + _foreign(**{**base, "sub": "local:bob"}),
        "scopes as a list": "Bearer " + _foreign(**base, scope=["tasks:write"]),
        "deep nesting": "Bearer " + "W1tbW1tb" * 900 + ".e30.e30",
    }  # fmt: skip


@pytest.mark.parametrize("what", list(bad_credentials(0)))
async def test_a_bad_token_is_401_even_beside_a_good_cookie(
    client: httpx.AsyncClient, log: Log, clock: Clock, what: str
) -> None:
    session = await session_of(client)
    headers = {
        "Authorization": bad_credentials(clock.now)[what],
        "Cookie": f"{SESSION_COOKIE}={session}",
        "Origin": ORIGIN,
    }
    for method, path in (("POST", TASKS), ("GET", "/api/submit/session")):
        answer = await client.request(method, path, json=BODY, headers=headers)
        check_problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert log.events() == []


@pytest.mark.parametrize(
    "method_and_path", ["POST " + TASKS, "POST " + READ, "GET /api/submit/session"]
)
async def test_without_credentials_it_is_401_before_the_body_is_looked_at(
    client: httpx.AsyncClient, method_and_path: str
) -> None:
    method, _, path = method_and_path.partition(" ")
    answer = await client.request(method, path, content=b"[" * 1000, headers=JSON)
    check_problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "claims",
    [
        {"scopes": []},
        {"scopes": ["tasks:read"]},
        {"scopes": ["admin"]},
        {"scopes": ["TASKS:WRITE"]},
        {"tasks": [ID]},
        {"tasks": []},
        {"tasks": [ID], "scopes": ["tasks:write"]},
    ],
)
async def test_a_token_that_may_not_write_is_403(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, claims: dict[str, Any]
) -> None:
    headers = bearer("bob", **claims)
    for path, body in (
        (TASKS, BODY),
        (BATCH, {"tasks": [BODY]}),
        (READ, {"until": "x"}),
        (f"{TASKS}/{ID}/cancel", None),
        (f"{TASKS}/{ID}/retry", None),
        (f"{TASKS}/{ID}/dismiss", None),
    ):
        check_problem(await client.post(path, json=body, headers=headers), 403)
    assert log.events() == []


async def test_two_authorization_headers_are_401(client: httpx.AsyncClient, bearer: Bearer) -> None:
    one = bearer("bob")["Authorization"]
    headers = [("Authorization", one), ("Authorization", one)]
    check_problem(await client.post(TASKS, json=BODY, headers=headers), 401)


@pytest.mark.parametrize("owner", ["", "x" * 256, "a\nb", "\u0085"])
async def test_a_backend_cannot_act_for_what_is_no_owner(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, owner: str
) -> None:
    headers = bearer("shop", scopes=["service"])
    check_problem(await client.post(TASKS, json={**BODY, "owner": owner}, headers=headers), 422)
    assert log.events() == []


async def test_two_owners_in_one_request_are_422(client: httpx.AsyncClient, bearer: Bearer) -> None:
    headers = bearer("shop", scopes=["service"])
    answer = await client.post(
        TASKS, json={**BODY, "owner": "bob"}, params={"owner": "bobby"}, headers=headers
    )
    check_problem(answer, 422)


@pytest.mark.parametrize("path", [TASKS, BATCH, f"{TASKS}/{ID}/retry"])
async def test_two_idempotency_keys_are_one_too_many(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, path: str
) -> None:
    body = b'{"tasks": [%s]}' % changed() if path == BATCH else changed()
    keys = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    headers = [*bearer("bob").items(), *JSON.items(), *keys]
    content = b"" if path.endswith("retry") else body
    answer = await client.post(path, content=content, headers=headers)
    check_problem(answer, 422)
    assert answer.json()["errors"][0]["loc"] == ["header", "Idempotency-Key"]


async def test_head_is_get_without_a_body(client: httpx.AsyncClient, bearer: Bearer) -> None:
    for path in ("livez", "readyz", "metrics", "task-types", "openapi.json"):
        answer = await client.head(f"/api/submit/{path}", headers=bearer("bob"))
        assert (answer.status_code, answer.content) == (200, b""), path
    answer = await client.head("/api/submit/session")
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_batch_may_be_allowed_fewer_tasks(
    client: httpx.AsyncClient, bearer: Bearer, app: FastAPI, settings: Settings, log: Log
) -> None:
    app.state.settings = settings.model_copy(update={"max_batch_tasks": 2})
    for count, status in ((2, 201), (3, 422)):
        body = b'{"tasks": [%s]}' % b",".join([changed()] * count)
        answer = await client.post(BATCH, content=body, headers=JSON | bearer("bob"))
        assert answer.status_code == status, answer.text
        if status == 422:
            assert check_problem(answer, 422)["errors"][0]["loc"] == ["body", "tasks"]
    assert len(log.events()) == 2
