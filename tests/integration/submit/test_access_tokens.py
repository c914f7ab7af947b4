"""Personal access tokens: who makes them, what they open, and that they can be taken back."""

from typing import Any

import httpx
import pytest

from databases import EVERYWHERE
from milepost.settings import Settings
from milepost_service.sessions import SESSION_COOKIE
from submit_surroundings import ORIGIN, Bearer, Clock, Log, session_of

pytestmark = EVERYWHERE

TOKENS = "/api/submit/access-tokens"
TASKS = "/api/submit/tasks"
BODY: dict[str, Any] = {"type": "free.form", "params": {}}


async def signed_in(client: httpx.AsyncClient, username: str = "bob") -> dict[str, str]:
    cookie = await session_of(client, username)
    return {"Cookie": f"{SESSION_COOKIE}={cookie}", "Origin": ORIGIN}


async def make(
    client: httpx.AsyncClient, headers: dict[str, str], name: str = "laptop", **body: Any
) -> dict[str, Any]:
    answer = await client.post(TOKENS, json={"name": name, **body}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def with_token(made: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['token']}"}


async def listed(client: httpx.AsyncClient, headers: dict[str, str]) -> list[dict[str, Any]]:
    answer = await client.get(TOKENS, headers=headers)
    assert answer.status_code == 200
    return answer.json()["access_tokens"]


async def test_a_token_acts_for_its_owner_until_it_is_revoked(
    client: httpx.AsyncClient, log: Log
) -> None:
    bob = await signed_in(client)
    made = await make(client, bob)
    assert made["token"].startswith("mpt_")
    assert (made["scopes"], made["expires_at"]) == (["tasks:read", "tasks:write"], None)
    answer = await client.post(TASKS, json=BODY, headers=with_token(made))
    assert answer.status_code == 201
    assert [event.owner for event in log.events()] == ["local:bob"]
    (known,) = await listed(client, bob)
    assert known.pop("last_used_at") is not None
    assert known == {name: made[name] for name in ("id", "name", "scopes", "created_at")} | {
        "expires_at": None
    }
    assert (await client.delete(f"{TOKENS}/{made['id']}", headers=bob)).status_code == 204
    answer = await client.post(TASKS, json=BODY, headers=with_token(made))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (
        401,
        'Bearer error="invalid_token"',
    )
    assert await listed(client, bob) == []
    assert (await client.delete(f"{TOKENS}/{made['id']}", headers=bob)).status_code == 404


async def test_a_token_has_its_scopes_and_no_more(client: httpx.AsyncClient) -> None:
    bob = await signed_in(client)
    reads = await make(client, bob, scopes=["tasks:read"])
    answer = await client.post(TASKS, json=BODY, headers=with_token(reads))
    assert answer.status_code == 403
    answer = await client.get("/api/submit/credential", headers=with_token(reads))
    found = answer.json()
    assert (found["kind"], found["id"], found["scopes"]) == (
        "access-token",
        reads["id"],
        ["tasks:read"],
    )


async def test_nobody_gives_a_token_what_he_has_not(
    client: httpx.AsyncClient, bearer: Bearer
) -> None:
    bob = await signed_in(client)
    for scope in ("service", "admin"):
        body = {"name": "x", "scopes": ["tasks:read", scope]}
        answer = await client.post(TOKENS, json=body, headers=bob)
        assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (403, ["body", "scopes"])
    shop = bearer("shop", scopes=["service"])
    made = await make(client, shop, scopes=["service"])
    answer = await client.get("/api/submit/credential", headers=with_token(made))
    assert (answer.json()["owner"], answer.json()["scopes"]) == ("shop", ["service"])
    body = {"name": "x", "scopes": ["service"], "owner": "ann"}
    assert (await client.post(TOKENS, json=body, headers=shop)).status_code == 403
    body = {"name": "x", "scopes": ["admin"]}
    assert (await client.post(TOKENS, json=body, headers=shop)).status_code == 403


async def test_a_backend_makes_lists_and_revokes_tokens_of_its_users(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    shop = bearer("shop", scopes=["service"])
    made = await make(client, shop, owner="ann")
    await client.post(TASKS, json=BODY, headers=with_token(made))
    assert [event.owner for event in log.events()] == ["ann"]
    assert await listed(client, shop) == []
    answer = await client.get(TOKENS, params={"owner": "ann"}, headers=shop)
    assert [each["id"] for each in answer.json()["access_tokens"]] == [made["id"]]
    path = f"{TOKENS}/{made['id']}"
    assert (await client.delete(path, headers=shop)).status_code == 404
    answer = await client.delete(path, params={"owner": "ann"}, headers=shop)
    assert answer.status_code == 204


async def test_what_does_not_last_or_was_lent_makes_no_token_that_lasts(
    client: httpx.AsyncClient, bearer: Bearer
) -> None:
    bob = await signed_in(client)
    script = with_token(await make(client, bob))
    backend = with_token(await make(client, bearer("shop", scopes=["service"]), scopes=["service"]))
    for headers in (script, backend, bearer("ann"), bearer("ann", tasks=["x"])):
        answer = await client.post(TOKENS, json={"name": "x"}, headers=headers)
        assert answer.status_code == 403
        assert (await client.get(TOKENS, headers=headers)).status_code == 403


async def test_anothers_tokens_are_not_there(client: httpx.AsyncClient) -> None:
    bob, ann = await signed_in(client), await signed_in(client, "ann")
    made = await make(client, bob)
    assert await listed(client, ann) == []
    assert (await client.delete(f"{TOKENS}/{made['id']}", headers=ann)).status_code == 404
    answer = await client.delete(
        f"{TOKENS}/{made['id']}", params={"owner": "local:bob"}, headers=ann
    )
    assert answer.status_code == 403
    assert len(await listed(client, bob)) == 1


async def test_a_token_expires_when_it_is_to(client: httpx.AsyncClient, clock: Clock) -> None:
    bob = await signed_in(client)
    made = await make(client, bob, expires_in_seconds=3600)
    headers = with_token(made)
    clock.now += 3599
    assert (await client.get("/api/submit/credential", headers=headers)).status_code == 200
    clock.now += 1
    assert (await client.get("/api/submit/credential", headers=headers)).status_code == 401
    assert len(await listed(client, bob)) == 1


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["all"]}, "scopes"),
        ({"name": "x", "expires_in_seconds": 0}, "expires_in_seconds"),
        ({"name": "x", "expires_in_seconds": "1"}, "expires_in_seconds"),
        ({"name": "x", "token": "mpt_mine"}, "token"),
    ],
)
async def test_what_is_no_token_is_422(
    client: httpx.AsyncClient, body: dict[str, Any], loc: str
) -> None:
    answer = await client.post(TOKENS, json=body, headers=await signed_in(client))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"][:2] == ["body", loc]


async def test_an_owner_has_a_hundred_tokens_at_most(client: httpx.AsyncClient) -> None:
    bob = await signed_in(client)
    for number in range(100):
        await make(client, bob, f"token {number}")
    answer = await client.post(TOKENS, json={"name": "one more"}, headers=bob)
    assert (answer.status_code, answer.json()["type"]) == (
        409,
        "urn:milepost:too-many-access-tokens",
    )


async def test_a_token_is_kept_as_a_hash_and_not_logged(
    client: httpx.AsyncClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    made = await make(client, await signed_in(client))
    await client.get("/api/submit/credential", headers=with_token(made))
    assert made["token"] not in caplog.text
    if settings.database_url.startswith("sqlite:///"):
        path = settings.database_url.removeprefix("sqlite:///")
        for file in (path, f"{path}-wal"):
            with open(file, "rb") as opened:  # noqa: ASYNC230, PTH123  # a test
                assert made["token"].encode() not in opened.read()


async def test_a_token_may_revoke_itself_and_no_other(client: httpx.AsyncClient) -> None:
    bob = await signed_in(client)
    mine, other = await make(client, bob), await make(client, bob, name="desktop")
    answer = await client.delete(f"{TOKENS}/{other['id']}", headers=with_token(mine))
    assert answer.status_code == 403
    assert (await client.get(TOKENS, headers=with_token(mine))).status_code == 403
    answer = await client.delete(f"{TOKENS}/{mine['id']}", headers=with_token(mine))
    assert answer.status_code == 204
    assert [each["name"] for each in await listed(client, bob)] == ["desktop"]
    answer = await client.post(TASKS, json=BODY, headers=with_token(mine))
    assert answer.status_code == 401
