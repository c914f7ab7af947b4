"""Every endpoint there is, and what each kind of credentials gets from it: one table.

An endpoint without a row fails the test. Both services run as `up` has them: one process, one
address, real Valkey, and an identity provider whose keys are published at a real address.
"""

import asyncio
import re
import socket
import time
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

import milepost_notify.main
import milepost_submit.main
from key_server import PRIVATE, STRANGER, KeyServer, forged, key_server, pem, signed
from milepost import tokens
from milepost.cursors import Cursor
from milepost.exports import Export, ticket
from milepost.settings import Settings
from milepost_cli.web import compose
from milepost_log import catalogue
from milepost_log.servers import open_servers
from milepost_service.http_protocol import protocol_of
from notify_surroundings import QuietServer, settings
from submit_surroundings import BULK, FREE, SECRET
from waiting import until

__all__ = ["settings"]

MARK = "nobody but ann reads this"
ACCOUNT = {"username": "dora", "password": "correct horse battery"}
TASK: dict[str, Any] = {"type": FREE.name, "params": {}}
ANNS = {"type": FREE.name, "params": {"text": MARK}, "title": MARK}
PATIENCE = httpx.Timeout(30)


@dataclass(frozen=True)
class Row:
    """What an endpoint answers, by who asks."""

    right: int
    """Whoever may: ann, or `who`."""
    another: int
    """Bob, who is signed in as well, asking for the same."""
    unscoped: int
    """Ann, with a token whose scope has none of ours."""
    bad: int = 401
    """Nobody, and everybody whose token proves nothing."""
    who: str = "ann"
    """`ann`; `shop`, a backend with the scope service; or `root`, an operator with admin."""
    body: Any = None
    needs: str = ""
    """What has to be there: a `task` of ann's, one that was `cancelled`, an `export`, or an access
    `token`."""
    query: str = ""


def open_to_all(status: int = 200, body: Any = None) -> Row:
    """Credentials are not looked at."""
    return Row(status, status, status, bad=status, body=body)


KNOWN = Row(200, 200, 200)
READS = Row(200, 200, 403)
"""Each reads his own."""
READS_ONE = Row(200, 404, 403, needs="task")
OVERSEES = Row(200, 403, 403, who="root")
OVERSEES_ONE = Row(200, 403, 403, who="root", needs="task", query="?owner=ann")

TABLE = {
    "GET /api/submit/openapi.json": open_to_all(),
    "GET /api/submit/livez": open_to_all(),
    "GET /api/submit/readyz": open_to_all(),
    "GET /api/submit/metrics": open_to_all(),
    "POST /api/submit/accounts": open_to_all(409, ACCOUNT),
    "POST /api/submit/session": open_to_all(200, ACCOUNT),
    "DELETE /api/submit/session": open_to_all(204),
    "GET /api/submit/session": KNOWN,
    "GET /api/submit/credential": KNOWN,
    "POST /api/submit/introspection": Row(
        200, 403, 403, who="shop", body={"form": "bearer", "text": "x"}
    ),
    "GET /api/submit/access-tokens": Row(200, 403, 403, who="shop"),
    "POST /api/submit/access-tokens": Row(201, 403, 403, who="shop", body={"name": "one"}),
    "DELETE /api/submit/access-tokens/{token_id}": Row(204, 403, 403, who="shop", needs="token"),
    "GET /api/submit/sessions": Row(200, 403, 403, who="shop"),
    "DELETE /api/submit/sessions/{session_id}": Row(404, 403, 403, who="shop"),
    "PUT /api/submit/password": Row(403, 403, 403, body={"current": "x", "new": "y"}),
    "DELETE /api/submit/sessions": Row(204, 403, 403, who="shop"),
    "GET /api/submit/task-types": KNOWN,
    "POST /api/submit/tasks": Row(201, 201, 403, body=TASK),
    "POST /api/submit/tasks/batch": Row(201, 201, 403, body={"tasks": [TASK]}),
    "POST /api/submit/tasks/{task_id}/cancel": Row(202, 404, 403, needs="task"),
    "POST /api/submit/tasks/{task_id}/retry": Row(201, 404, 403, needs="cancelled"),
    "POST /api/submit/tasks/{task_id}/dismiss": Row(204, 404, 403, needs="cancelled"),
    "POST /api/submit/inbox/read": Row(204, 204, 403, body={"until": "{revision}"}, needs="task"),
    "GET /api/notify/openapi.json": open_to_all(),
    "GET /api/notify/livez": open_to_all(),
    "GET /api/notify/readyz": open_to_all(),
    "GET /api/notify/metrics": open_to_all(),
    "GET /api/notify/notifications": READS,
    "GET /api/notify/notifications/stream": READS,
    "GET /api/notify/tasks": READS,
    "GET /api/notify/tasks/{task_id}": READS_ONE,
    "GET /api/notify/tasks/{task_id}/events": READS_ONE,
    "GET /api/notify/tasks/{task_id}/explain": READS_ONE,
    "GET /api/notify/exports/{ticket}": Row(200, 404, 403, needs="export"),
    "GET /api/notify/admin/tasks": OVERSEES,
    "GET /api/notify/admin/tasks/{task_id}": OVERSEES_ONE,
    "GET /api/notify/admin/tasks/{task_id}/events": OVERSEES_ONE,
    "GET /api/notify/admin/tasks/{task_id}/explain": OVERSEES_ONE,
    "GET /api/notify/admin/errors": OVERSEES,
    "GET /api/notify/admin/partitions": OVERSEES,
    "GET /api/notify/admin/queues": OVERSEES,
    "GET /api/notify/admin/workers": OVERSEES,
    "GET /api/notify/admin/rates": OVERSEES,
    "GET /api/notify/admin/dead-letters": OVERSEES,
    "GET /api/notify/admin/parked": OVERSEES,
    "POST /api/submit/admin/tasks/{task_id}/cancel": Row(
        202, 403, 403, who="root", needs="task", query="?owner=ann"
    ),
    "POST /api/submit/admin/dead-letters/redrive": Row(
        200, 403, 403, who="root", body={"ids": ["0:1-1"]}
    ),
    "POST /api/submit/admin/dead-letters/drop": Row(
        200, 403, 403, who="root", body={"ids": ["0:1-1"]}
    ),
    "POST /api/submit/admin/tasks/{task_id}/retry": Row(
        201, 403, 403, who="root", needs="cancelled", query="?owner=ann"
    ),
    "POST /api/submit/admin/bulk": Row(
        202, 403, 403, who="root", body={"action": "cancel", "filter": {}, "dry_run": True}
    ),
    "GET /api/submit/admin/pauses": OVERSEES,
    "PUT /api/submit/admin/pauses/queues/{name}": OVERSEES,
    "DELETE /api/submit/admin/pauses/queues/{name}": Row(204, 403, 403, who="root"),
    "PUT /api/submit/admin/pauses/types/{name}": OVERSEES,
    "DELETE /api/submit/admin/pauses/types/{name}": Row(204, 403, 403, who="root"),
    "GET /": open_to_all(),
    "GET /operators": open_to_all(),
    "GET /favicon.ico": open_to_all(),
    "GET /static/page.js": open_to_all(),
    "GET /milepost.js": open_to_all(),
}


@dataclass
class Deployment:
    """Both services at one address."""

    http: httpx.AsyncClient
    keys: KeyServer
    now: float = field(default_factory=time.time)

    def claims(self, **changes: Any) -> dict[str, Any]:
        return {"sub": "ann", "aud": "milepost", "exp": self.now + 900, **changes}

    def credentials(self, who: str) -> dict[str, str | None]:
        """A token of every kind; its name says what is wrong or right with it."""
        scopes = {"shop": "service", "root": "admin"}
        scope = {"scope": scopes[who]} if who in scopes else {}
        good = self.claims(sub=who, **scope)
        return {
            "none": None,
            "garbage": "a.b.c",
            "an access token that is none": "mpt_" + "x" * 43,
            "expired": self._ours(good | {"exp": self.now - 60}),
            "wrong audience": self._ours(good | {"aud": "other"}),
            "the audience of sessions": self._ours(good | {"aud": tokens.SESSION_AUDIENCE}),
            "wrong key": jwt.encode(good, SECRET[::-1], algorithm="HS256"),
            "algorithm none": jwt.encode(good, "", algorithm="none"),
            **{f"wrong key, {each}": signed(good, each, keys=STRANGER) for each in PRIVATE},
            **{
                f"HS256 signed with the public key of {each}": forged(
                    good, pem(PRIVATE[each]), kid=each
                )
                for each in PRIVATE
            },
            "expired, by others": signed(good | {"exp": self.now - 60}),
            "wrong audience, by others": signed(good | {"aud": "other"}),
            "wrong issuer, by others": signed(good | {"iss": "https://evil.example"}),
            "a local account, by others": signed(good | {"sub": "local:dora", "local": True}),
            "another user": self._ours(self.claims(sub="bob")),
            "another user, by others": signed(self.claims(sub="bob", iss="https://id.example")),
            "missing scope": self._ours(self.claims(sub=who, scope="openid email")),
            "right": self._ours(good),
            "right, by others": signed(good | {"iss": "https://id.example"}, "EdDSA"),
        }

    async def ask(self, endpoint: str, token: str | None, body: Any = None) -> tuple[int, str]:
        """The status, and what was said; of a stream its beginning."""
        method, _, path = endpoint.partition(" ")
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.http.cookies.clear()
        said = ""
        async with self.http.stream(method, path, json=body, headers=headers) as answer:
            async for chunk in answer.aiter_text():
                said += chunk
                if "event-stream" in answer.headers["content-type"]:
                    break
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", endpoint
        if answer.status_code == 401:
            assert answer.headers["www-authenticate"].startswith("Bearer"), endpoint
        return answer.status_code, said

    async def prepare(self, row: Row) -> dict[str, str]:
        """Make what a row needs; what its path and body name."""
        good = self.credentials("shop" if row.needs == "token" else "ann")["right"]
        headers = {"Authorization": f"Bearer {good}"}
        if row.needs == "token":
            answer = await self.http.post(
                "/api/submit/access-tokens", json={"name": "one"}, headers=headers
            )
            return {"token_id": answer.json()["id"]}
        if not row.needs:
            return {}
        made = (await self.http.post("/api/submit/tasks", json=ANNS, headers=headers)).json()
        if row.needs == "cancelled":
            path = f"/api/submit/tasks/{made['id']}/cancel"
            assert (await self.http.post(path, headers=headers)).status_code == 202
        path = f"/api/notify/tasks/{made['id']}"
        query = {"at_least": made["revision"]}
        assert (await self.http.get(path, params=query, headers=headers)).status_code == 200
        until = Cursor.parse(made["revision"])
        link = ticket(Export("ann", "csv", until, self.now + 900), SECRET)
        return {"task_id": made["id"], "revision": made["revision"], "ticket": link}

    def _ours(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, SECRET, algorithm="HS256")


@pytest.fixture
def keys() -> Generator[KeyServer]:
    with key_server() as found:
        yield found


@pytest.fixture
async def deployment(
    settings: Settings, keys: KeyServer, namespace: str
) -> AsyncGenerator[Deployment]:
    sock = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    changes = {
        "submit_url": url, "notify_url": url, "signup": "open",
        "jwks_url": keys.url, "jwt_issuer": "https://id.example",
    }  # fmt: skip
    settings = settings.model_copy(update=changes)
    with open_servers(settings.redis_url) as servers:
        now = {"announced_at": time.time()}
        catalogue.announce(
            servers, namespace, [each.model_copy(update=now) for each in (FREE, BULK)]
        )
    app = compose(settings, milepost_notify.main.build(settings))
    server = QuietServer(
        uvicorn.Config(app, lifespan="on", log_config=None, http=protocol_of(settings), ws="none")
    )
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as http:

        async def ready() -> set[str]:
            paths = ("/api/submit/readyz", "/api/notify/readyz")
            answers = [(await http.get(path)).json()["checks"] for path in paths]
            return {why for checks in answers for why in checks.values()}

        await until(ready, lambda found: found == {"ok"}, 30)
        assert (await http.post("/api/submit/accounts", json=ACCOUNT)).status_code == 201
        yield Deployment(http, keys)
    server.should_exit = True
    await serving
    sock.close()


def endpoints(app: FastAPI) -> set[str]:
    """Everything an application answers; HEAD is everywhere where GET is."""
    found: set[str] = set()
    for each in iter_route_contexts(app.routes):
        methods: set[str] = set(getattr(each, "methods", None) or {"GET"}) - {"HEAD"}
        found |= {f"{method} {each.path}" for method in methods}
    return found


def test_every_endpoint_has_a_row_and_every_row_an_endpoint() -> None:
    settings = Settings.load(secret=SECRET, database_url="sqlite:///unused.db")
    there = endpoints(milepost_submit.main.build(settings))
    there |= endpoints(milepost_notify.main.build(settings))
    there = {
        re.sub(r"GET /milepost[a-z-]*(\.d)?\.[jt]s", "GET /milepost.js", each) for each in there
    }
    rows = {"GET /static" if row.startswith("GET /static/") else row for row in TABLE}
    assert there - rows == set(), "without a row: say in TABLE what each kind of caller gets"
    assert rows - there == set(), "in TABLE, and nowhere else"


def expected(row: Row, name: str) -> int:
    """The cell of a row and a kind of credentials."""
    if name.startswith("right"):
        return row.right
    if name.startswith("another"):
        return row.another
    return row.unscoped if name == "missing scope" else row.bad


@pytest.mark.slow
async def test_every_endpoint_gives_everybody_what_the_table_says(deployment: Deployment) -> None:
    wrong: list[str] = []
    for endpoint, row in TABLE.items():
        given: dict[str, str] = {}
        for name, token in deployment.credentials(row.who).items():
            if not given or name == "right, by others":  # the others change nothing
                given = await deployment.prepare(row)
            body = row.body
            if isinstance(body, dict) and "until" in body:
                body = {"until": given["revision"]}
            status, said = await deployment.ask(
                endpoint.format(name="a", session_id="none", **given) + row.query, token, body
            )
            if status != expected(row, name):
                wrong.append(f"{endpoint}, {name}: {status}, not {expected(row, name)}: {said}")
            if MARK in said and not name.startswith("right") and endpoint.startswith("GET"):
                wrong.append(f"{endpoint}, {name}: reads what is ann's")
    assert wrong == []
