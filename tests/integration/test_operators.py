"""What operators do to many, and see of workers: over real services, by a real worker."""

import json
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis

from milepost import tokens
from milepost.keys import PartitionKeys
from milepost.owners import owner_hash
from person import Person
from submit_surroundings import SECRET
from up_process import Up
from waiting import wait_for

BULK = "/api/submit/admin/bulk"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(
        tmp_path_factory.mktemp("operators"),
        "--port",
        "0",
        lease_seconds="1",
        secret=SECRET,
        build="app-7+x",
    ).until_ready()
    yield running
    running.close()


@pytest.fixture
def root(up: Up) -> Iterator[httpx.Client]:
    """An operator."""
    scopes = ["admin", "tasks:read", "tasks:write"]
    token = tokens.mint("root", SECRET, now=time.time(), scopes=scopes)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=up.url, headers=headers, timeout=35) as client:
        yield client


@pytest.fixture
def people(up: Up) -> list[Person]:
    return [Person.signed_up(up.url) for _ in range(2)]


def start(root: httpx.Client, action: str, *, dry_run: bool = False, **wanted: Any) -> str:
    """Ask for it; the id of its task."""
    body = {"action": action, "filter": wanted, "dry_run": dry_run}
    answer = root.post(BULK, json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def shown(root: httpx.Client, task: str) -> dict[str, Any]:
    return root.get(f"/api/notify/tasks/{task}").json()


def result(root: httpx.Client, task: str) -> dict[str, Any]:
    """What it came to, once it has succeeded."""
    wait_for(lambda: shown(root, task).get("ended_at"), "the end of it", 60)
    found = shown(root, task)
    assert found["status"] == "succeeded", found
    return found["result"]


def batch(person: Person, tag: str, count: int, **params: Any) -> list[str]:
    task = {"type": "demo.steps", "params": params, "tags": [tag]}
    answer = person.http.post("/api/submit/tasks/batch", json={"tasks": [task] * count})
    assert answer.status_code == 201, answer.text
    return [each["id"] for each in answer.json()["tasks"]]


def of(person: Person) -> str:
    return f"local:{person.name}"


def test_a_dry_run_says_what_would_be_done_and_a_killed_worker_does_it_once(
    up: Up, root: httpx.Client, people: list[Person]
):
    failing = {"steps": 1, "seconds": 0, "fail_at": 1}
    made = [batch(person, "broken", 60, **failing) for person in people]
    batch(people[0], "broken", 3, steps=1, seconds=0)
    for person, ids in zip(people, made, strict=True):
        person.follow_to_end(*ids)
    dry = result(root, start(root, "retry", dry_run=True, tag="broken"))
    assert (dry["matched"], dry["done"], dry["refused"], dry["dry_run"]) == (120, 0, 0, True)
    assert len(dry["examples"]) == 10
    assert {each["outcome"] for each in dry["examples"]} == {"would retry"}
    for person in people:
        tasks = person.http.get("/api/notify/tasks", params={"limit": 1000}).json()["tasks"]
        assert not [each for each in tasks if each["retry_of"]]
    task = start(root, "retry", tag="broken", status="failed")
    wait_for(lambda: (shown(root, task).get("done") or 0) > 10, "some are done", 30)
    worker = up.children()["worker 1"]
    os.kill(worker, signal.SIGKILL)
    assert result(root, task) == {
        "action": "retry", "dry_run": False, "matched": 120, "done": 120, "refused": 0,
        "examples": [],
    }  # fmt: skip
    assert shown(root, task)["attempt"] >= 2
    for person, ids in zip(people, made, strict=True):
        tasks = person.http.get("/api/notify/tasks", params={"limit": 1000}).json()["tasks"]
        again = [each for each in tasks if each["retry_of"]]
        assert sorted(each["retry_of"] for each in again) == sorted(ids), "each once"
        (first, *_) = person.events(again[0]["id"])
        assert first["by"] == {"kind": "operator", "id": ""}


def test_what_waits_in_a_paused_queue_is_cancelled_while_it_is_paused(
    root: httpx.Client, people: list[Person]
):
    pause = "/api/submit/admin/pauses/queues/default"
    assert root.put(pause, json={"reason": "a flood"}).status_code == 200
    ann, bob = people
    unwanted = batch(ann, "flood", 30, steps=1, seconds=0)
    wanted = batch(bob, "flood", 3, steps=1, seconds=0)
    done = result(root, start(root, "cancel", tag="flood", owner=of(ann), status="queued"))
    assert (done["matched"], done["done"], done["refused"]) == (30, 30, 0)
    assert root.delete(pause).status_code == 204
    ann.follow_to_end(*unwanted)
    bob.follow_to_end(*wanted)
    assert {ann.tasks[each]["status"] for each in unwanted} == {"cancelled"}
    assert {bob.tasks[each]["status"] for each in wanted} == {"succeeded"}
    none = result(root, start(root, "cancel", tag="flood"))
    assert (none["matched"], none["done"]) == (0, 0), "nor itself"


def test_dead_letters_of_matching_tasks_are_redriven_or_it_says_why_not(
    up: Up, root: httpx.Client, people: list[Person]
):
    ann, _ = people
    settings = json.loads((up.data / "running.json").read_text())["settings"]
    pause = "/api/submit/admin/pauses/queues/default"
    root.put(pause)
    good, bad, other = (
        batch(ann, tag, 1, steps=1, seconds=0)[0] for tag in ("mend", "mend", "leave")
    )
    keys = PartitionKeys(settings.get("NAMESPACE", "mp"), 0)
    with redis.Redis.from_url(settings["REDIS_URL"]) as client:  # pyright: ignore[reportUnknownMemberType]  # untyped kwargs
        for task in (good, bad, other):
            client.hset(keys.task(owner_hash(of(ann)), task), "a", "x")
        root.delete(pause)
        wait_for(lambda: client.xlen(keys.dead) == 3, "three letters")
        client.hset(keys.task(owner_hash(of(ann)), good), "a", "0")
    done = result(root, start(root, "redrive", tag="mend"))
    assert (done["matched"], done["done"], done["refused"]) == (2, 1, 1)
    assert done["examples"] == [
        {"owner": of(ann), "id": bad, "outcome": "its task has no number of attempts"}
    ]
    ann.follow_to_end(good)
    kinds = [(each["type"], each["by"]["kind"]) for each in ann.events(good)]
    assert ("task.redriven", "operator") in kinds
    letters = root.get("/api/notify/admin/dead-letters").json()["dead_letters"]
    assert {each["task"] for each in letters} == {bad, other}


def test_each_worker_says_its_build_and_what_it_runs_and_tasks_are_found_by_it(
    root: httpx.Client, people: list[Person]
):
    ann, _ = people
    task = batch(ann, "long", 1, steps=1000, seconds=600)[0]
    never = ann.http.post(
        "/api/submit/tasks",
        json={"type": "demo.steps", "params": {"steps": 1, "seconds": 0}, "delay_seconds": 3600},
    ).json()["id"]
    ann.follow(lambda: ann.tasks.get(task, {}).get("status") == "running", "it runs")
    workers = root.get("/api/notify/admin/workers").json()["workers"]
    (worker,) = [each for each in workers if each["runs"]]
    assert (worker["build"], worker["vanished_at"]) == ("app-7+x", None)
    (runs,) = worker["runs"]
    assert (runs["owner"], runs["id"], runs["type"]) == (of(ann), task, "demo.steps")
    assert (runs["attempt"], runs["since"][-1]) == (1, "Z")
    (_, started, *_) = ann.events(task)
    assert started["data"]["build"] == "app-7+x"
    for build, found in (("app-7+x", {task}), ("app-7", set[str]())):
        query = {"build": build, "owner": of(ann)}
        page = root.get("/api/notify/admin/tasks", params=query).json()
        assert {each["id"] for each in page["tasks"]} == found
        assert {each["build"] for each in page["tasks"]} <= {build}
    stopped = result(root, start(root, "cancel", tag="long", build="app-7+x"))
    assert (stopped["matched"], stopped["done"]) == (1, 1)
    ann.follow_to_end(task)
    assert not ann.has_ended(never)
