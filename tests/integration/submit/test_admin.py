"""Operators' commands: for the scope `admin` alone, told in events and in the audit trail."""

import logging
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from milepost.events import Actor, TaskCreated
from milepost.ids import uuid7
from milepost.keys import PartitionKeys
from milepost.owners import partition_of
from milepost_submit.routers import admin, bulk, pauses
from submit_surroundings import PARTITIONS, Bearer, Log, Notify

ADMIN = "/api/submit/admin"
BODY: dict[str, Any] = {"type": "free.form", "params": {}}
LETTERS = {"ids": ["0:1-1"]}


async def make(client: httpx.AsyncClient, headers: dict[str, str]) -> str:
    return (await client.post("/api/submit/tasks", json=BODY, headers=headers)).json()["id"]


async def test_only_the_scope_admin_opens_any_of_it(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    task = await make(client, bearer("bob"))
    calls = [
        (method, each.path)
        for each in (*admin.router.routes, *bulk.router.routes, *pauses.router.routes)
        if isinstance(each, APIRoute)
        for method in each.methods or ()
    ]
    assert len(calls) >= 9
    for method, path in calls:
        url = path.replace("{task_id}", task).replace("{name}", "a")
        query = {"owner": "bob"} if "{task_id}" in path else {}
        body = LETTERS if "dead-letters" in path else None
        call = partial(client.request, method, url, params=query, json=body)
        assert (await call()).status_code == 401
        for claims in ({}, {"scopes": ["service"]}, {"scopes": ["admin"], "tasks": [task]}):
            answer = await call(headers=bearer("bob", **claims))
            assert answer.status_code == 403, (url, claims)
    assert [event.payload.type for event in log.events()] == ["task.created"]


async def test_an_operator_stops_anybodys_task_and_the_event_says_who(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    task, root = await make(client, bearer("bob")), bearer("root", scopes=["admin"])
    path = f"{ADMIN}/tasks/{task}/cancel"
    with caplog.at_level(logging.INFO, "milepost.audit"):
        for owner in ("eve", "bob", "bob"):
            answer = await client.post(path, params={"owner": owner}, headers=root)
            assert answer.status_code == (404 if owner == "eve" else 202)
    assert answer.json() == {"id": task, "status": "cancelled"}
    created, cancelled = log.events()
    assert (cancelled.payload.type, cancelled.owner) == ("task.cancelled", "bob")
    assert cancelled.by == Actor("operator", "root")
    assert created.by == Actor("owner", "bob")
    told = [
        (line.__dict__["action"], line.__dict__["by"], line.__dict__["owner"])
        for line in caplog.records
        if line.name == "milepost.audit"
    ]
    assert told == [("admin.tasks.cancel", "root", who) for who in ("eve", "bob", "bob")]
    other = uuid7(1, bytes(10))
    for bad, status in ((other, 404), ("x", 404)):
        answer = await client.post(
            f"{ADMIN}/tasks/{bad}/cancel", params={"owner": "bob"}, headers=root
        )
        assert answer.status_code == status
    for query in ({}, {"owner": ""}):
        assert (await client.post(path, params=query, headers=root)).status_code == 422


async def test_dead_letters_are_removed_or_said_why_not(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, valkey: Any
) -> None:
    root, number = bearer("root", scopes=["admin"]), partition_of("bob", PARTITIONS)
    dead = PartitionKeys(log.namespace, number).dead
    entry = valkey.xadd(dead, {"stream": "log", "entry": "1-1", "reason": "nonsense"}).decode()
    letter = f"{number}:{entry}"
    answer = await client.post(
        f"{ADMIN}/dead-letters/redrive", json={"ids": [letter]}, headers=root
    )
    (outcome,) = answer.json()["outcomes"]
    assert (outcome["id"], outcome["done"]) == (letter, False)
    assert "event of the log" in outcome["reason"]
    for done in (True, False):
        answer = await client.post(
            f"{ADMIN}/dead-letters/drop", json={"ids": [letter]}, headers=root
        )
        assert [each["done"] for each in answer.json()["outcomes"]] == [done]
    assert valkey.xlen(dead) == 0
    unknown = {"ids": ["999:1-1", "0:9999999999999999999-9"]}
    answer = await client.post(f"{ADMIN}/dead-letters/drop", json=unknown, headers=root)
    assert [each["done"] for each in answer.json()["outcomes"]] == [False, False]
    wrong: list[list[str] | None] = [None, [], ["x"], ["0:1-1"] * 101, [f"0:1-{10**19}"]]
    for ids in wrong:
        bad = {} if ids is None else {"ids": ids}
        answer = await client.post(f"{ADMIN}/dead-letters/drop", json=bad, headers=root)
        assert answer.status_code == 422, bad


async def test_an_operator_pauses_and_resumes_and_everybody_may_know_why(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "milepost.audit")
    root = bearer("root", scopes=["admin"])
    path = f"{ADMIN}/pauses"
    first = await client.put(f"{path}/queues/mails", json={"reason": "정비"}, headers=root)
    assert (first.status_code, first.json()["since"][-1]) == (200, "Z")
    bare = await client.put(f"{path}/types/mail.send", headers=root)
    assert bare.json()["reason"] is None
    assert (await client.put(f"{path}/types/mail.send", headers=root)).json() == bare.json()
    told = (await client.get(path, headers=root)).json()["pauses"]
    assert told == [first.json(), bare.json()]
    assert first.json() == {
        "what": "queue", "name": "mails", "since": first.json()["since"], "by": "root",
        "reason": "정비", "everywhere": True,
    }  # fmt: skip
    made = await client.post("/api/submit/tasks", json=BODY, headers=bearer("bob"))
    assert made.status_code == 201, "submitting goes on"
    for _ in range(2):
        for what in ("queues/mails", "types/mail.send"):
            assert (await client.delete(f"{path}/{what}", headers=root)).status_code == 204
    assert (await client.get(path, headers=root)).json() == {"pauses": []}
    kinds = [each.payload.type for each in log.events() if each.by == Actor("operator", "root")]
    assert kinds == ["work.paused"] * 2 + ["work.resumed"] * 2
    acts = [(line.__dict__["action"], line.__dict__.get("what")) for line in caplog.records]
    assert acts[:2] == [
        ("admin.pauses.pause", "queue mails"), ("admin.pauses.pause", "type mail.send")
    ]  # fmt: skip
    for wrong in ("queues/A", "types/a..b", f"queues/{'a' * 51}", "types/a%20b"):
        assert (await client.put(f"{path}/{wrong}", headers=root)).status_code == 422, wrong
    for reason in ("", " ", "x" * 201, "a\nb", 1):
        answer = await client.put(f"{path}/queues/a", json={"reason": reason}, headers=root)
        assert answer.status_code == 422, reason


async def test_an_operator_runs_anybodys_ended_task_again_for_its_owner(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, notify: Notify
) -> None:
    root, shop = bearer("root", scopes=["admin"]), bearer("shop", scopes=["service"])
    body = {"type": "app.only", "params": {"n": 1}, "owner": "bob", "tags": ["t"]}
    task = (await client.post("/api/submit/tasks", json=body, headers=shop)).json()["id"]
    path, of_bob = f"{ADMIN}/tasks/{task}/retry", {"owner": "bob"}
    assert (await client.post(path, params=of_bob, headers=root)).status_code == 409
    log.end(task, "failed")
    assert (await client.post(path, params={"owner": "eve"}, headers=root)).status_code == 404
    key = root | {"Idempotency-Key": "once"}
    first = await client.post(path, params=of_bob, headers=key)
    again = await client.post(path, params=of_bob, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    made = log.events()[-1]
    assert isinstance(made.payload, TaskCreated)
    assert (made.owner, made.by) == ("bob", Actor("operator", "root"))
    assert (made.payload.retry_of, made.payload.params) == (task, {"n": 1})
    log.forget(task)
    notify.tasks[task] = {
        "id": task, "type": "free.form", "title": "T", "tags": [], "priority": "low",
        "status": "cancelled", "params": {}, "dismissed": False,
    }  # fmt: skip
    assert (await client.post(path, params=of_bob, headers=root)).status_code == 201
    asked = notify.requests[-1].url
    assert (asked.path, asked.params["owner"]) == (f"/api/notify/admin/tasks/{task}", "bob")


async def test_a_bulk_action_is_a_task_of_the_operator_that_nobody_gets_by_another_way(
    client: httpx.AsyncClient, bearer: Bearer, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    root, shop = bearer("root", scopes=["admin"]), bearer("shop", scopes=["service"])
    body = {"action": "retry", "filter": {"type": "mail.send", "older_than_seconds": 5}}
    key = root | {"Idempotency-Key": "once"}
    with caplog.at_level(logging.INFO, "milepost.audit"):
        first = await client.post(f"{ADMIN}/bulk", json=body, headers=key)
    again = await client.post(f"{ADMIN}/bulk", json=body, headers=key)
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json()
    told = caplog.records[-1].__dict__
    assert (told["action"], told["act"]) == ("admin.bulk", "retry")
    assert told["filter"] == "type=mail.send older_than_seconds=5"
    (made,) = log.events()
    assert isinstance(made.payload, TaskCreated)
    assert (made.owner, made.by) == ("root", Actor("operator", "root"))
    assert made.payload.params == {**body, "dry_run": False}
    assert made.payload.queue == "operators"
    task, direct = first.json()["id"], {"type": "milepost.bulk", "params": made.payload.params}
    log.end(task, "failed")
    for owner, headers in (("root", shop), ("shop", shop)):
        answer = await client.post(
            "/api/submit/tasks", json=direct | {"owner": owner}, headers=headers
        )
        assert answer.status_code == 404, "whoever owns such a task acts as an operator"
        answer = await client.post(
            "/api/submit/tasks/batch", json={"owner": owner, "tasks": [direct]}, headers=headers
        )
        assert answer.status_code == 404
    for path, headers in (("tasks", shop), ("admin/tasks", root)):
        answer = await client.post(
            f"/api/submit/{path}/{task}/retry", params={"owner": "root"}, headers=headers
        )
        assert answer.status_code == 404
    types = (await client.get("/api/submit/task-types", headers=shop)).json()
    assert "milepost.bulk" not in {each["name"] for each in types}
    refused: tuple[dict[str, Any], ...] = (
        {}, {"action": "cancel"}, {"action": "drop", "filter": {}},
        {"action": "cancel", "filter": {"status": "gone"}},
        {"action": "cancel", "filter": {"x": 1}},
        {"action": "cancel", "filter": {"type": ""}},
        {"action": "cancel", "filter": {"older_than_seconds": -1}},
        {"action": "cancel", "filter": {"older_than_seconds": 1.5}},
        {"action": "cancel", "filter": {}, "dry_run": 1},
    )  # fmt: skip
    for wrong in refused:
        answer = await client.post(f"{ADMIN}/bulk", json=wrong, headers=root)
        assert answer.status_code == 422, wrong
    assert len(log.events()) == 1
