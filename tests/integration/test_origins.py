"""The faults of the application Milepost comes from, each shown to be absent, end to end.

Progress that overwrites other people's, `LIKE 'bob%'`, a wall clock as cursor, unknown and failed
jobs that read as 100 %, jobs that run before they exist.
"""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from milepost.tokens import mint
from person import Person, new_id
from up_process import Up
from waiting import wait_for

LOOKALIKES = [
    "bob",
    "bobby",
    "bob_1",
    "%",
    "_",
    "*",
    "bob}{",
    "한글",
    "e\u0301",
    "\u00e9",
    "x" * 200,
]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("up"), "--port", "0").until_ready()
    yield running
    running.close()


def somebody(up: Up, owner: str) -> Person:
    """Whoever an application says it is."""
    person = Person(up.url, owner)
    secret = (up.data / "secret").read_text().strip()
    token = mint(owner, secret, now=time.time())
    person.http.headers["Authorization"] = f"Bearer {token}"
    return person


def test_people_with_similar_names_see_their_own_and_nothing_else(up: Up):
    people = [somebody(up, owner) for owner in LOOKALIKES]
    shared = new_id()
    for number, person in enumerate(people):
        body = {"type": "demo.steps", "params": {"steps": number + 1, "seconds": 0}, "id": shared}
        assert person.http.post("/api/submit/tasks", json=body).status_code == 201
    for number, person in enumerate(people):
        person.follow_to_end(shared)
        assert list(person.tasks) == [shared]
        assert person.tasks[shared]["owner"] == person.name
        assert person.tasks[shared]["total"] == number + 1
        assert person.unread == 1
        listed = person.http.get("/api/notify/tasks").json()["tasks"]
        assert [(task["id"], task["owner"]) for task in listed] == [(shared, person.name)]
    private = people[0].submit("demo.steps", steps=1, seconds=0)
    people[0].follow_to_end(private)
    for person in people[1:]:
        for path in (f"tasks/{private}", f"tasks/{private}/events", f"tasks/{private}/explain"):
            assert person.http.get(f"/api/notify/{path}").status_code == 404
        assert person.http.post(f"/api/submit/tasks/{private}/cancel").status_code == 404
        assert person.http.post(f"/api/submit/tasks/{private}/dismiss").status_code == 404


def test_tasks_of_one_instant_are_all_told_and_told_once(up: Up):
    person = somebody(up, "ties")
    body = {"tasks": [{"type": "demo.steps", "params": {"steps": 1, "seconds": 0}}] * 200}
    accepted = person.http.post("/api/submit/tasks/batch", json=body).json()["tasks"]
    ids = {task["id"] for task in accepted}
    person.follow_to_end(*ids)
    seen: list[str] = []
    cursor = ""
    while True:
        query = {"since": cursor, "limit": 7}
        page = person.http.get("/api/notify/notifications", params=query).json()
        rows = [row for row in page["notifications"] if row["name"] == "task_progress"]
        if not page["notifications"]:
            break
        assert len(page["notifications"]) <= 7
        seen += [row["data"]["task_id"] for row in rows]
        cursor = page["cursor"]
    assert sorted(seen) == sorted(ids)


def test_a_failed_task_never_reads_100(up: Up):
    person = somebody(up, "failing")
    task = person.submit("demo.steps", steps=2, seconds=0, fail_at=2)
    person.follow_to_end(task)
    assert person.tasks[task]["status"] == "failed"
    assert person.tasks[task]["progress"] == 50
    assert person.tasks[task]["error"]["reference"] in person.tasks[task]["error"]["message"]


def test_an_unknown_task_is_404_and_reads_nothing(up: Up):
    person = somebody(up, "asking")
    answer = person.http.get(f"/api/notify/tasks/{new_id()}")
    assert answer.status_code == 404
    assert "progress" not in answer.json()


def test_a_task_exists_as_soon_as_it_is_accepted(up: Up):
    person = somebody(up, "impatient")
    for _ in range(20):
        body = {"type": "demo.steps", "params": {"steps": 1, "seconds": 0}}
        accepted = person.http.post("/api/submit/tasks", json=body)
        found = person.http.get(accepted.headers["Location"])
        assert found.status_code == 200, found.text
        query = {"at_least": accepted.json()["revision"]}
        again = person.http.get(accepted.headers["Location"], params=query)
        assert again.status_code == 200, again.text


def test_each_of_several_running_tasks_has_progress_of_its_own(up: Up):
    person = somebody(up, "several")
    wanted = {person.submit("demo.steps", steps=steps, seconds=1): steps for steps in (5, 50, 500)}
    person.follow_to_end(*wanted)
    assert {task: person.tasks[task]["done"] for task in wanted} == wanted


def test_the_server_says_how_soon_to_ask_again(up: Up):
    person = somebody(up, "idle")
    answer: dict[str, Any] = person.http.get("/api/notify/notifications").json()
    assert answer["notifications"] == []
    assert answer["cursor"]
    assert 250 <= answer["next_poll_ms"] <= 5000


def test_without_redis_nothing_reads_as_done(tmp_path_factory: pytest.TempPathFactory):
    up = Up(tmp_path_factory.mktemp("away"), "--port", "0").until_ready()
    try:
        person = somebody(up, "waiting")
        task = person.submit("demo.steps", steps=100, seconds=30)
        person.follow(lambda: person.tasks.get(task, {}).get("progress"), "some progress")
        up.process.send_signal(signal.SIGSTOP)  # so that nothing is restarted
        os.kill(up.children()["valkey"], signal.SIGKILL)

        def refused() -> bool:
            try:
                return person.http.get("/api/submit/readyz").status_code == 503
            except httpx.TransportError:
                return False

        wait_for(refused, "submit says that Redis is away")
        body = {"type": "demo.steps", "params": {"steps": 1, "seconds": 0}}
        answer = person.http.post("/api/submit/tasks", json=body)
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert "retry-after" in answer.headers
        shown = person.http.get(f"/api/notify/tasks/{task}").json()
        assert shown["progress"] < 100
        assert shown["status"] == "running"
    finally:
        up.close()
