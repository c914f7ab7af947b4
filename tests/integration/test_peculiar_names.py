"""People with names that mean something to SQL, Redis, globs or key names: each sees what is his
own, and only that, and no name at all is in the figures."""

import json
import time
import unicodedata
from collections.abc import Generator

import httpx
import pytest

from milepost import tokens
from notify_surroundings import SECRET
from up_process import Up

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Zoë 한글") for form in ("NFC", "NFD"))
NAMES = [
    "%", "_", "*", "?", "bob", "bob}{", "{mp:0}", "a:b", "a", "b:c", "a:b:c", "김철수",
    COMPOSED, DECOMPOSED, "x" * 200, "x" * 199, "BOB", " bob", "bob ", "'; --", "\\", "..", "null",
    "[a-z]*", "bob\u200b", "%25", "🦊",
]  # fmt: skip
PASSWORD = "correct horse battery staple"
SIGNED_UP = ["%", "_", "*", "bob}{", "김철수", COMPOSED, "{mp:0}", "x" * 64]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Generator[Up]:
    running = Up(tmp_path_factory.mktemp("peculiar"), secret=SECRET).until_ready()
    yield running
    running.close()


def by_token(up: Up, name: str) -> httpx.Client:
    token = tokens.mint(name, SECRET, now=time.time())
    return httpx.Client(base_url=up.url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def by_account(up: Up, name: str) -> httpx.Client:
    client = httpx.Client(base_url=up.url, headers={"Origin": up.url}, timeout=30)
    account = {"username": name, "password": PASSWORD}
    made = client.post("/api/submit/accounts", json=account)
    assert made.status_code == 201, made.text
    assert client.post("/api/submit/session", json=account).status_code == 200
    return client


@pytest.fixture(scope="module")
def people(up: Up) -> Generator[dict[str, httpx.Client]]:
    """Everybody by the owner he is: known by a token of their application's, or by an account."""
    found = {name: by_token(up, name) for name in NAMES}
    found |= {f"local:{name}": by_account(up, name) for name in SIGNED_UP}
    yield found
    for client in found.values():
        client.close()


@pytest.fixture(scope="module")
def tasks(people: dict[str, httpx.Client]) -> dict[str, str]:
    """Each has one task, all under one Idempotency-Key; its id by owner, once all have ended. Every
    other one has dismissed a second one."""
    made, closed = dict[str, str](), dict[str, str]()
    for number, (owner, client) in enumerate(people.items()):
        made[owner] = submit(client, key="a:b")
        if number % 2:
            closed[owner] = submit(client, key="a")
    assert len({*made.values(), *closed.values()}) == len(made) + len(closed)
    deadline = time.monotonic() + 60
    for each in (made, closed):
        for owner, task in each.items():
            while people[owner].get(f"/api/notify/tasks/{task}").json()["status"] != "succeeded":
                assert time.monotonic() < deadline
    for owner, task in closed.items():
        assert people[owner].post(f"/api/submit/tasks/{task}/dismiss").status_code == 204
        while not people[owner].get(f"/api/notify/tasks/{task}").json()["dismissed"]:
            assert time.monotonic() < deadline
    return made


def submit(client: httpx.Client, *, key: str) -> str:
    body = {"type": "demo.steps", "params": {"steps": 1, "seconds": 0}}
    answer = client.post("/api/submit/tasks", json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def test_everybody_polls_what_is_his_own(
    people: dict[str, httpx.Client], tasks: dict[str, str]
) -> None:
    for owner, client in people.items():
        news = client.get("/api/notify/notifications", params={"limit": 1000}).json()
        rows = [row["data"] for row in news["notifications"] if row["name"] == "task_progress"]
        assert [(row["id"], row["owner"]) for row in rows] == [(tasks[owner], owner)]
        (unread,) = [r["data"] for r in news["notifications"] if r["name"] != "task_progress"]
        assert unread == 1
        idle = client.get("/api/notify/notifications", params={"since": news["cursor"]}).json()
        assert idle["notifications"] == []


def test_everybody_streams_what_is_his_own(
    people: dict[str, httpx.Client], tasks: dict[str, str]
) -> None:
    for owner, client in people.items():
        with client.stream("GET", "/api/notify/notifications/stream") as answer:
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    told = json.loads(line.removeprefix("data:"))
                    if told["name"] == "task_progress":
                        assert (told["data"]["id"], told["data"]["owner"]) == (tasks[owner], owner)
                        break
            else:
                raise AssertionError(f"a stream that told {owner!r} of no task")


def test_everybody_lists_what_is_his_own(
    people: dict[str, httpx.Client], tasks: dict[str, str]
) -> None:
    for owner, client in people.items():
        found = client.get("/api/notify/tasks", params={"status": "ended"}).json()["tasks"]
        assert [(each["id"], each["owner"]) for each in found] == [(tasks[owner], owner)]
        every = client.get("/api/notify/tasks").json()["tasks"]
        assert {each["owner"] for each in every} == {owner}
        history = client.get(f"/api/notify/tasks/{tasks[owner]}/events").json()["events"]
        assert {(each["task"], each["owner"]) for each in history} == {(tasks[owner], owner)}


def test_nobody_reads_or_changes_another_s(
    people: dict[str, httpx.Client], tasks: dict[str, str]
) -> None:
    owners = list(people)
    for number, owner in enumerate(owners):
        client = people[owner]
        for other in (owners[number - 1], owners[(number + 7) % len(owners)]):
            theirs = tasks[other]
            for path in ("", "/events", "/explain"):
                assert client.get(f"/api/notify/tasks/{theirs}{path}").status_code == 404
            for act in ("cancel", "dismiss", "retry"):
                answer = client.post(f"/api/submit/tasks/{theirs}/{act}")
                assert answer.status_code == 404, (owner, other, act)
            named = {"owner": other}
            assert client.get("/api/notify/tasks", params=named).status_code == 403


def test_no_name_is_in_the_figures(
    up: Up, people: dict[str, httpx.Client], tasks: dict[str, str]
) -> None:
    for service in ("submit", "notify"):
        figures = httpx.get(f"{up.url}/api/{service}/metrics").text
        for owner in people:
            name = owner.removeprefix("local:")
            if len(name) > 3 and name != "null":
                assert name not in figures
        assert "owner" not in figures
        assert not any(task in figures for task in tasks.values())
        values = {part.split('"')[1] for part in figures.split("=")[1:] if '"' in part}
        assert not values & {owner.removeprefix("local:") for owner in people}
