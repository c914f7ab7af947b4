"""Operators: everybody's tasks and failures, for the scope `admin` alone; looks are audited."""

import logging
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from databases import ON_BOTH
from histories import created
from milepost import events as e
from milepost.cursors import Cursor
from milepost.settings import Settings
from milepost_notify import sql_ends, sql_oversight
from milepost_notify.routers import admin
from notify_surroundings import SECRET, Person, Scribe, task_id

pytestmark = ON_BOTH
OWNERS = ["ann", "bob", "cleo", "dan", "한글", "%"]
SECRET_TEXT = "hunter2-in-a-traceback"


@pytest.fixture
def settings(valkey_url: str, namespace: str, database_url: str) -> Settings:
    return Settings.load(
        redis_url=valkey_url, namespace=namespace, partitions=3, durability="memory",
        database_url=database_url, secret=SECRET,
    )  # fmt: skip


@pytest.fixture
def root(bob: Person) -> Person:
    """An operator."""
    return Person(bob.http, "root", {"scopes": ["admin"]})


def problem(reference: str) -> e.Problem:
    message = f"This did not work (reference {reference})"
    return e.Problem(code="error", message=message, reference=reference)


async def told(bob: Person, revision: Cursor, owner: str = "bob") -> None:
    """Wait until it is projected, in whose partition it may be."""
    await Person(bob.http, owner).seen(revision)


def paths() -> list[str]:
    """Every endpoint of operators."""
    return [route.path for route in admin.router.routes if isinstance(route, APIRoute)]


async def test_only_the_scope_admin_opens_any_of_it(bob: Person, app: FastAPI):
    assert len(paths()) >= 10
    task, query = task_id(), {"owner": "bob"}
    for path in paths():
        url = path.removeprefix("/api/notify").replace("{task_id}", task)
        for claims in ({}, {"scopes": ["service"]}, {"scopes": ["tasks:read", "tasks:write"]}):
            answer = await Person(bob.http, "bob", claims).get(url, **query)
            assert (answer.status_code, url) == (403, url), claims
        guest = Person(bob.http, "root", {"scopes": ["admin"], "tasks": [task]})
        assert (await guest.get(url, **query)).status_code == 403
        assert (await bob.http.get(path.replace("{task_id}", task))).status_code == 401


async def test_admin_alone_acts_for_nobody(root: Person, log: Scribe, bob: Person):
    task = task_id()
    await told(bob, await log.tell(created(), task))
    assert (await root.get("/tasks", owner="bob")).status_code == 403
    assert (await root.get(f"/tasks/{task}")).status_code == 403


async def test_a_failure_is_found_by_the_reference_its_owner_was_told(
    root: Person, log: Scribe, bob: Person, caplog: pytest.LogCaptureFixture
):
    for number, owner in enumerate(OWNERS):
        task = task_id()
        await log.tell(created(title=f"of {owner}"), task, owner)
        first = problem(f"0000000{number}")
        again = e.TaskRetrying(error=first, runs_at=1, failures=1, detail="first")
        await log.tell(again, task, owner, attempt=1)
        last = await log.tell(
            e.TaskFailed(error=problem(f"a000000{number}"), failures=2, detail=SECRET_TEXT),
            task, owner, attempt=2,
        )  # fmt: skip
        await told(bob, last, owner)
    with caplog.at_level(logging.INFO, "milepost.audit"):
        found = await root.read("/admin/errors", reference="a0000003")
    (error,) = found["errors"]
    assert found["before"] is None
    assert (error["owner"], error["title"], error["status"]) == ("dan", "of dan", "failed")
    assert (error["detail"], error["final"], error["attempt"]) == (SECRET_TEXT, True, 2)
    lines = [record for record in caplog.records if record.name == "milepost.audit"]
    assert [(line.__dict__["action"], line.__dict__["by"]) for line in lines] == [
        ("admin.errors.read", "root")
    ]
    assert lines[0].__dict__["reference"] == "a0000003"
    assert SECRET_TEXT not in caplog.text
    for nothing in ("A0000003", "%", "a000000", "", '","reference":"a0000003'):
        answer = await root.read("/admin/errors", reference=nothing, limit=1000)
        assert answer["errors"] == []
    seen, before = list[Any](), None
    while True:
        page = await root.read("/admin/errors", limit=5, **({"before": before} if before else {}))
        seen += [(each["owner"], each["final"]) for each in page["errors"]]
        before = page["before"]
        if before is None:
            break
    assert seen == [(owner, final) for owner in reversed(OWNERS) for final in (True, False)]


async def test_pages_of_all_owners_tasks_are_complete_and_in_order(
    root: Person, log: Scribe, bob: Person, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sql_oversight, "EVENTS_AT_ONCE", 7)
    made = list[tuple[str, str]]()
    for number in range(40):
        owner, task = OWNERS[number * number % len(OWNERS)], task_id()
        tags = ("odd", 'a"b') if number % 2 else ("even",)
        revision = await log.tell(created(tags=tags), task, owner)
        if number % 3 == 0:
            revision = await log.tell(
                e.TaskFailed(error=problem(f"{number:08}"), failures=1), task, owner, attempt=1
            )
        await told(bob, revision, owner)
        made.insert(0, (owner, task))

    async def all_pages(**query: Any) -> list[tuple[str, str]]:
        found, pages = list[tuple[str, str]](), 0
        while True:
            page = await root.read("/admin/tasks", limit=3, **query)
            found += [(each["owner"], each["id"]) for each in page["tasks"]]
            assert len(page["tasks"]) <= 3
            pages += 1
            assert pages < 100
            if page["before"] is None:
                return found
            query["before"] = page["before"]

    failed = [each for number, each in enumerate(reversed(made)) if number % 3 == 0][::-1]
    odd = [each for number, each in enumerate(reversed(made)) if number % 2][::-1]
    assert await all_pages() == made
    assert await all_pages(status="failed") == failed
    assert await all_pages(error="error") == failed
    assert await all_pages(tag="odd") == await all_pages(tag='a"b') == odd
    assert await all_pages(owner="한글") == [each for each in made if each[0] == "한글"]
    assert await all_pages(owner="%") == [each for each in made if each[0] == "%"]
    for none in ({"tag": "ODD"}, {"tag": "od"}, {"type": "x"}, {"queue": "x"}, {"error": "err"},
                 {"older_than_seconds": 3600}, {"status": "running"}):  # fmt: skip
        assert await all_pages(**none) == []
    assert await all_pages(younger_than_seconds=3600) == made
    for bad in ({"status": "odd"}, {"before": "x"}, {"older_than_seconds": -1}, {"limit": 0},
                {"older_than_seconds": "1e-9"}):  # fmt: skip
        assert (await root.get("/admin/tasks", **bad)).status_code == 422


async def test_a_task_of_another_is_shown_with_its_exceptions(
    root: Person, log: Scribe, bob: Person
):
    task = task_id()
    await log.tell(created(), task)
    end = e.TaskFailed(error=problem("abcd0123"), failures=1, detail=SECRET_TEXT)
    await told(bob, await log.tell(end, task, attempt=1))
    events = await root.read(f"/admin/tasks/{task}/events", owner="bob")
    assert [each["data"].get("detail") for each in events["events"]] == [None, SECRET_TEXT]
    assert (await root.read(f"/admin/tasks/{task}", owner="bob"))["status"] == "failed"
    assert (await root.read(f"/admin/tasks/{task}/explain", owner="bob"))["reason"] == "failed"
    assert (await root.get(f"/admin/tasks/{task}", owner="eve")).status_code == 404
    assert (await root.get(f"/admin/tasks/{task}", owner="")).status_code == 422
    assert (await root.get(f"/admin/tasks/{task}")).status_code == 422


async def test_what_ended_is_counted_minute_by_minute_as_far_back_as_is_looked(
    root: Person, log: Scribe, bob: Person, monkeypatch: pytest.MonkeyPatch
):
    ends = [e.TaskSucceeded(), e.TaskSucceeded(), e.TaskCancelled()]
    ends += [e.TaskFailed(error=problem("00000001"), failures=1)]
    for number, end in enumerate(ends):
        owner, task = OWNERS[number], task_id()
        await log.tell(created(), task, owner)
        await told(bob, await log.tell(end, task, owner, attempt=1), owner)
    await told(bob, await log.tell(created(), task_id()))
    found = await root.read("/admin/rates")
    (rate,) = found["rates"]
    assert (rate["type"], rate["queue"]) == ("unit.job", "default")
    sums = {name: sum(rate[name]) for name in ("succeeded", "failed", "retrying", "cancelled")}
    assert sums == {"succeeded": 2, "failed": 1, "retrying": 0, "cancelled": 1}
    # The test may have crossed a minute, or two.
    assert all(len(rate[name]) == 60 and not any(rate[name][:57]) for name in sums)
    monkeypatch.setattr(sql_ends, "EVENTS_AT_MOST", 1)
    fewer = await root.read("/admin/rates")
    assert fewer["since"] > found["since"]
    assert sum(sum(each[name]) for each in fewer["rates"] for name in sums) < 4


async def test_the_deployment_is_told_in_numbers(
    root: Person, log: Scribe, bob: Person, settings: Settings
):
    await told(bob, await log.tell(created(), task_id()))
    await log.raw("bob", {"t": "from.later/7", "k": task_id(3), "o": "bob", "a": 0, "d": "{}"})
    await told(bob, await log.tell(created(), task_id()))
    partitions = (await root.read("/admin/partitions"))["partitions"]
    assert [each["partition"] for each in partitions] == [0, 1, 2]
    assert all(each["is_its_log"] for each in partitions)
    assert sum(each["events_in_redis"] for each in partitions) == 3
    assert sum(each["parked"] for each in partitions) == 1
    (parked,) = (await root.read("/admin/parked"))["parked"]
    assert (parked["owner"], parked["task"]) == ("bob", task_id(3))
    assert (await root.read("/admin/dead-letters"))["dead_letters"] == []
    assert (await root.read("/admin/queues"))["queues"] == []
    assert (await root.read("/admin/workers"))["workers"] == []
