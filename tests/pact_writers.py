"""What submit and workers really write: a log in which every event stands, and a look into it."""

import json
import os
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from milepost import TaskHandle, submit, tokens
from milepost.codec import type_and_version
from milepost.keys import PartitionKeys
from milepost.owners import owner_hash
from milepost_cli import instance
from milepost_log.connection import connect
from person import Person
from up_process import Up
from waiting import wait_for

FROM_SUBMIT = (
    "task.created", "task.cancel_requested", "task.dismissed", "task.redriven", "inbox.read",
    "work.paused", "work.resumed",
)  # fmt: skip
OPERATOR = "an-operator"
KEYS = PartitionKeys("mp", 0)


def fill(up: Up) -> dict[str, dict[str, Any]]:
    """Make tasks of all fates; an entry of every type, by its writer and type."""
    person = Person.signed_up(up.url)
    owner = f"local:{person.name}"
    stopped = submit("demo.steps", {"steps": 1, "seconds": 0}, owner=owner, delay_seconds=3600)
    stopped.cancel()
    waiting = submit("sample.waits", {}, owner=owner)
    ends = [
        submit("demo.steps", {"steps": 2, "seconds": 0.1, "crash_at": 1}, owner=owner),
        submit("sample.stepped", {}, owner=owner),
        submit("sample.fail", {"reason": "No"}, owner=owner),
        submit("sample.flaky", {"fail_times": 1}, owner=owner),
    ]
    _wait_until_running(waiting)
    waiting.cancel()
    for handle in (*ends, waiting):
        handle.wait(timeout=60)
    person.poll()
    for path, body in (
        (f"/api/submit/tasks/{stopped.id}/dismiss", None),
        ("/api/submit/inbox/read", {"until": person.cursor}),
    ):
        answer = person.http.post(path, json=body)
        assert answer.status_code == 204, answer.text
    _operate(up, owner)
    return _entries(up.data, owner, ends[0].id)


def _wait_until_running(handle: TaskHandle) -> None:
    wait_for(lambda: handle.fetch().status == "running", "a running task")


def _operate(up: Up, owner: str) -> None:
    """Pause a queue and let it go on, and redrive a task that was damaged and repaired."""
    token = tokens.mint(OPERATOR, os.environ["MILEPOST_SECRET"], now=time.time(), scopes=["admin"])

    def ask(method: str, path: str, body: object = None) -> None:
        url, headers = f"{up.url}/api/submit/admin/{path}", {"Authorization": f"Bearer {token}"}
        answer = httpx.request(method, url, json=body, headers=headers, timeout=30)
        assert answer.status_code < 300, answer.text

    with closing(connect(_redis_url(up.data))) as client:
        ask("PUT", "pauses/queues/default", {"reason": "maintenance"})
        handle = submit("sample.noop", {}, owner=owner)
        task = KEYS.task(owner_hash(owner), handle.id)
        data: Any = client.hget(task, "d")
        client.hset(task, "d", "{nonsense")
        ask("DELETE", "pauses/queues/default")
        wait_for(lambda: client.xlen(KEYS.dead), "a dead letter")
        client.hset(task, "d", data)
        letters: Any = client.xrange(KEYS.dead)
        ((letter, _),) = letters
        ask("POST", "dead-letters/redrive", {"ids": [f"0:{letter.decode()}"]})
    handle.wait(timeout=60)


def _redis_url(data: Path) -> str:
    running = instance.find(data)
    assert running is not None
    return running.settings["REDIS_URL"]


def _entries(data: Path, owner: str, best: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {"submit": {}, "worker": {}}
    with closing(connect(_redis_url(data))) as client:
        entries: Any = client.xrange(KEYS.log)
    for _, fields in entries:
        entry: dict[str, Any] = {name.decode(): value.decode() for name, value in fields.items()}
        if entry["o"] not in (owner, OPERATOR):
            continue
        type, _ = type_and_version(entry["t"])
        entry["d"] = json.loads(entry["d"])
        idle = type == "task.cancelled" and entry["a"] == "0"
        writer = "submit" if type in FROM_SUBMIT or idle else "worker"
        if type not in found[writer] or entry["k"] == best:
            found[writer][type] = entry
    return found
