"""Tasks through submit's door: accepted once, for their owner alone, with one event."""

from typing import Any

import httpx
import pytest

from milepost.cursors import Cursor
from milepost.events import Actor, TaskCreated
from milepost.ids import uuid7
from milepost.task_types import TaskType
from milepost_log import catalogue
from milepost_log.servers import Servers
from submit_surroundings import Bearer, Clock, Log
from valkey_cluster import BOTH

pytestmark = BOTH

TASKS = "/api/submit/tasks"
BODY: dict[str, Any] = {"type": "mail.send", "params": {"to": ["ann@example.test"]}}
OWNERS = ["bob", "bobby", "bob_1", "%", "김철수", "a:b", "a", "b:c"]


def task_id(number: int) -> str:
    return uuid7(1_700_000_000_000 + number, number.to_bytes(10, "big"))


async def test_an_accepted_task_is_one_event_and_says_where_it_is(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = {**bearer("bob"), "traceparent": trace}
    body = {**BODY, "title": "To Ann", "tags": ["x", "y"], "priority": "high"}
    answer = await client.post(TASKS, json=body, headers=headers)
    assert answer.status_code == 201
    accepted = answer.json()
    (event,) = log.events()
    assert isinstance(event.payload, TaskCreated)
    assert accepted == {
        "id": event.task,
        "type": "mail.send",
        "title": "To Ann",
        "status": "queued",
        "revision": accepted["revision"],
    }
    assert Cursor.parse(accepted["revision"]).id == event.id
    assert answer.headers["location"] == f"/api/notify/tasks/{event.task}"
    assert "idempotent-replayed" not in answer.headers
    assert (event.owner, event.by, event.trace) == ("bob", Actor("owner", "bob"), trace)
    assert event.payload.params == BODY["params"]
    assert event.payload.tags == ("x", "y")
    assert event.payload.quiet_after_seconds == 30


async def test_the_title_is_the_types_when_none_is_sent(
    client: httpx.AsyncClient, bearer: Bearer
) -> None:
    answer = await client.post(TASKS, json=BODY, headers=bearer("bob"))
    assert answer.json()["title"] == "Send mail"


async def test_a_delayed_task_is_scheduled(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    answer = await client.post(TASKS, json={**BODY, "delay_seconds": 1.5}, headers=bearer("bob"))
    assert answer.json()["status"] == "scheduled"
    (event,) = log.events()
    assert isinstance(event.payload, TaskCreated)
    assert event.payload.runs_at is not None
    assert abs(event.payload.runs_at - event.id.ms - 1500) < 50


async def test_a_broken_traceparent_is_ignored(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    headers = {**bearer("bob"), "traceparent": "00-zz"}
    assert (await client.post(TASKS, json=BODY, headers=headers)).status_code == 201
    assert log.events()[0].trace is None


@pytest.mark.parametrize("how", ["id", "key", "both"])
async def test_the_same_request_again_gets_the_first_answer_and_appends_nothing(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, how: str
) -> None:
    headers = bearer("bob") | ({} if how == "id" else {"Idempotency-Key": "k" * 255})
    body = BODY | ({} if how == "key" else {"id": task_id(1)})
    first = await client.post(TASKS, json=body, headers=headers)
    again = await client.post(TASKS, json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert len(log.events()) == 1


@pytest.mark.parametrize("how", ["id", "key"])
@pytest.mark.parametrize(
    "change",
    [
        {"params": {"to": ["bea@example.test"]}},
        {"title": "Other"},
        {"tags": ["t"]},
        {"priority": "low"},
        {"delay_seconds": 3},
        {"type": "free.form"},
    ],
)
async def test_the_same_id_or_key_with_another_body_is_refused(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, how: str, change: dict[str, Any]
) -> None:
    headers = bearer("bob") | ({} if how == "id" else {"Idempotency-Key": "k"})
    body = BODY | ({} if how == "key" else {"id": task_id(1)})
    await client.post(TASKS, json=body, headers=headers)
    again = await client.post(TASKS, json=body | change, headers=headers)
    assert again.status_code == 422
    assert again.json()["type"] == "urn:milepost:used-before"
    assert len(log.events()) == 1


async def test_a_replay_does_not_depend_on_the_order_of_names(
    client: httpx.AsyncClient, bearer: Bearer
) -> None:
    headers = {**bearer("bob"), "Idempotency-Key": "k"}
    await client.post(TASKS, json={**BODY, "title": "T"}, headers=headers)
    turned = dict(reversed([*BODY.items(), ("title", "T"), ("tags", [])]))
    assert (await client.post(TASKS, json=turned, headers=headers)).status_code == 200


async def test_owners_share_neither_ids_nor_keys_whatever_their_spelling(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    for owner in OWNERS:
        headers = {**bearer(owner), "Idempotency-Key": "k"}
        answer = await client.post(TASKS, json={**BODY, "id": task_id(1)}, headers=headers)
        assert answer.status_code == 201
    assert {event.owner for event in log.events()} == set(OWNERS)
    assert not any(owner in key for owner in ("bob", "%", "김") for key in log.names())


async def test_an_id_in_capitals_is_the_same_id(client: httpx.AsyncClient, bearer: Bearer) -> None:
    await client.post(TASKS, json={**BODY, "id": task_id(10)}, headers=bearer("bob"))
    again = await client.post(
        TASKS, json={**BODY, "id": task_id(10).upper()}, headers=bearer("bob")
    )
    assert again.status_code == 200


async def test_a_backend_acts_for_any_owner_and_the_log_says_so(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    headers = bearer("shop", scopes=["service"])
    answer = await client.post(TASKS, json={**BODY, "owner": "bob"}, headers=headers)
    assert answer.status_code == 201
    answer = await client.post(TASKS, params={"owner": "bob"}, json=BODY, headers=headers)
    assert answer.status_code == 201
    for event in log.events():
        assert (event.owner, event.by) == ("bob", Actor("service", "shop"))


async def test_a_private_type_is_unknown_to_people_and_known_to_backends(
    client: httpx.AsyncClient, bearer: Bearer
) -> None:
    body: dict[str, Any] = {"type": "app.only", "params": {}}
    unknown = await client.post(TASKS, json={**body, "type": "no.such"}, headers=bearer("bob"))
    private = await client.post(TASKS, json=body, headers=bearer("bob"))
    assert (unknown.status_code, private.status_code) == (404, 404)
    assert private.json() == unknown.json()
    backend = await client.post(TASKS, json=body, headers=bearer("shop", scopes=["service"]))
    assert backend.status_code == 201


async def test_task_types_are_the_public_ones_but_for_backends(
    client: httpx.AsyncClient, bearer: Bearer
) -> None:
    path = "/api/submit/task-types"
    people = (await client.get(path, headers=bearer("bob"))).json()
    backend = (await client.get(path, headers=bearer("shop", scopes=["service"]))).json()
    assert [row["name"] for row in people] == ["free.form", "mail.send"]
    assert [row["name"] for row in backend] == ["app.only", "free.form", "mail.send"]
    assert set(people[0]) == {"name", "title", "description", "queue", "public", "params_schema"}


async def test_too_many_live_tasks_are_refused_until_some_have_ended(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    many = {"tasks": [BODY] * 50}
    assert (
        await client.post(f"{TASKS}/batch", json=many, headers=bearer("bob"))
    ).status_code == 201
    answer = await client.post(TASKS, json=BODY, headers=bearer("bob"))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert (await client.post(TASKS, json=BODY, headers=bearer("bobby"))).status_code == 201
    one = log.events()[0]
    owner = bearer(one.owner)
    assert (await client.post(f"{TASKS}/{one.task}/cancel", headers=owner)).status_code == 202
    assert (await client.post(TASKS, json=BODY, headers=owner)).status_code == 201


async def test_a_type_announced_just_now_is_known_at_once(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, clock: Clock, servers: Servers
) -> None:
    await client.get("/api/submit/task-types", headers=bearer("bob"))
    new = TaskType(
        name="new.one", title="New", public=True, params_schema={}, announced_at=clock.now
    )
    catalogue.announce(servers, log.namespace, [new])
    body: dict[str, Any] = {"type": "new.one", "params": {}}
    assert (await client.post(TASKS, json=body, headers=bearer("bob"))).status_code == 201


async def test_a_type_with_an_unusable_schema_is_not_offered_and_harms_no_other(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, clock: Clock, servers: Servers
) -> None:
    for number, schema in enumerate(
        ({"type": 7}, {"$ref": "http://127.0.0.1:1/x.json"}, {"$ref": "#/$defs/none"})
    ):
        bad = TaskType(
            name=f"bad.{number}", title="B", public=True, params_schema=schema,
            announced_at=clock.now,
        )  # fmt: skip
        catalogue.announce(servers, log.namespace, [bad])
        body: dict[str, Any] = {"type": f"bad.{number}", "params": {}}
        assert (await client.post(TASKS, json=body, headers=bearer("bob"))).status_code == 404
    assert (await client.post(TASKS, json=BODY, headers=bearer("bob"))).status_code == 201
