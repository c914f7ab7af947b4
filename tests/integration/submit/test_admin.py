"""Operators' commands: for the scope `admin` alone, told in events and in the audit trail."""

import logging
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from milepost.events import Actor
from milepost.ids import uuid7
from milepost.keys import PartitionKeys
from milepost.owners import partition_of
from milepost_submit.routers import admin
from submit_surroundings import PARTITIONS, Bearer, Log

ADMIN = "/api/submit/admin"
BODY: dict[str, Any] = {"type": "free.form", "params": {}}
LETTERS = {"ids": ["0:1-1"]}


async def make(client: httpx.AsyncClient, headers: dict[str, str]) -> str:
    return (await client.post("/api/submit/tasks", json=BODY, headers=headers)).json()["id"]


async def test_only_the_scope_admin_opens_any_of_it(
    client: httpx.AsyncClient, bearer: Bearer, log: Log
) -> None:
    task = await make(client, bearer("bob"))
    paths = [each.path for each in admin.router.routes if isinstance(each, APIRoute)]
    assert len(paths) >= 3
    for path in paths:
        url = path.replace("{task_id}", task)
        query = {"owner": "bob"} if "{task_id}" in path else {}
        body = None if "{task_id}" in path else LETTERS
        assert (await client.post(url, params=query, json=body)).status_code == 401
        for claims in ({}, {"scopes": ["service"]}, {"scopes": ["admin"], "tasks": [task]}):
            answer = await client.post(
                url, params=query, json=body, headers=bearer("bob", **claims)
            )
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
