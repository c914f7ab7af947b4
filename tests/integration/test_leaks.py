"""What an owner may read of an error, and what nobody finds in logs and process lists."""

import hashlib
import json
import re
import time
from collections.abc import Iterator

import httpx
import pytest

from milepost.tokens import mint
from person import PASSWORD, Person
from up_process import Up, command_line, descendants_of

THROWN, CAUSE, NOTED, LOGGED, GIVEN = (
    f"{name}-{'0123456789abcdef'}" for name in ("thrown", "cause", "noted", "logged", "given")
)
SECRETS = (THROWN, CAUSE, NOTED, LOGGED, GIVEN)
TASKS = f'''
import logging
from milepost import Progress, task

@task("leaky.job", title="Leaks", public=True, max_attempts=2)
def job(key: str, progress: Progress) -> None:
    progress.report(50, message="half")
    logging.getLogger("shop").error("the key is {LOGGED}")
    try:
        raise KeyError("{CAUSE}")
    except KeyError as err:
        problem = RuntimeError("{THROWN}", key[::-1])
        problem.add_note("{NOTED}")
        raise problem from err
'''


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("leaks")
    (folder / "leaky_tasks.py").write_text(TASKS)
    running = Up(folder, "--port", "0", "--tasks", "leaky_tasks").until_ready()
    yield running
    running.close()


def backend(up: Up, *scopes: str) -> httpx.Client:
    """An application's backend or an operator."""
    secret = (up.data / "secret").read_text().strip()
    token = mint("shop", secret, now=time.time(), scopes=scopes)
    return httpx.Client(base_url=up.url, headers={"Authorization": f"Bearer {token}"}, timeout=35)


def streamed(person: Person) -> str:
    """What a stream tells at first."""
    said = ""
    with person.http.stream("GET", "/api/notify/notifications/stream") as answer:
        for chunk in answer.iter_text():
            said += chunk
            if "unread_message_count" in said:
                return said
    return said


def test_exception_text_is_for_operators_and_a_reference_for_its_owner(up: Up):
    person = Person.signed_up(up.url)
    owner = f"local:{person.name}"
    task = person.submit("leaky.job", key=GIVEN[::-1])
    person.follow_to_end(task)
    shown = person.tasks[task]["error"]
    assert shown["code"] == "error"
    reference = re.fullmatch(r"This did not work \(reference (\w+)\)", shown["message"])
    assert reference
    export = person.submit("report.export", format="json")
    person.follow_to_end(export)
    link = person.tasks[export]["result"]["url"]
    read = "".join(
        person.http.get(path).text
        for path in (
            "/api/notify/notifications",
            "/api/notify/notifications?limit=1",
            "/api/notify/tasks",
            "/api/notify/tasks?status=ended&type=leaky.job",
            f"/api/notify/tasks/{task}",
            f"/api/notify/tasks/{task}/events?limit=1000",
            f"/api/notify/tasks/{task}/explain",
            f"/api/notify/admin/errors?reference={reference[1]}",
            f"/api/notify/admin/tasks/{task}/events?owner={owner}",
            "/api/notify/readyz",
            "/api/notify/metrics",
            "/api/submit/metrics",
            "/api/submit/task-types",
            link,
        )
    )
    read += person.http.post(f"/api/submit/tasks/{task}/cancel").text
    read += streamed(person)
    assert reference[1] in read
    for secret in SECRETS:
        assert secret not in read, secret

    with backend(up, "service") as service, backend(up, "admin") as operator:
        detail = service.get(f"/api/notify/tasks/{task}/events", params={"owner": owner}).text
        query = {"reference": reference[1]}
        (error,) = operator.get("/api/notify/admin/errors", params=query).json()["errors"]
        assert (error["owner"], error["task"]) == (owner, task)
        for secret in set(SECRETS) - {LOGGED}:
            assert secret in detail, secret
            assert secret in error["detail"], secret
    log = "".join(path.read_text() for path in (up.data / "logs").glob("worker*"))
    assert LOGGED in log
    assert f"reference={reference[1]}" in log


def test_nothing_secret_stands_in_logs_or_process_lists(up: Up):
    """Of a deployment that has been used: signed in to, refused, failed in."""
    person = Person.signed_up(up.url)
    cookie = person.http.cookies["milepost_session"]
    wrong = {"username": person.name, "password": "another wrong password"}
    assert person.http.post("/api/submit/session", json=wrong).status_code == 401
    secret = (up.data / "secret").read_text().strip()
    token = mint("bob", secret, now=time.time())
    bearer = {"Authorization": f"Bearer {token}"}
    made = httpx.post(f"{up.url}/api/submit/tasks", json={"type": "leaky.job"}, headers=bearer)
    assert made.status_code == 422
    httpx.get(f"{up.url}/api/notify/tasks", headers={"Authorization": f"Bearer {token}x"})
    task = person.submit("leaky.job", key="params are logged by nobody")
    person.follow_to_end(task)
    export = person.submit("report.export", format="csv")
    person.follow_to_end(export)
    ticket = person.tasks[export]["result"]["url"].rpartition("/")[2]
    configuration = "".join(
        path.read_text(errors="replace") for path in (up.data / "valkey").glob("*.conf")
    )
    hidden = {
        "the secret": secret, "a password": PASSWORD, "a wrong one": wrong["password"],
        "a cookie": cookie.rpartition(".")[2], "a token": token.rpartition(".")[2],
        "a link": ticket.rpartition(".")[2],
    }  # fmt: skip
    logs = "".join(path.read_text(errors="replace") for path in (up.data / "logs").iterdir())
    lines = "\n".join(map(command_line, [up.pid, *descendants_of(up.pid)]))
    assert "valkey-server" in lines
    assert logs
    for name, text in hidden.items():
        assert text not in logs, name
        assert text not in lines, name
        assert text not in configuration, name
    assert not re.search(r"redis(s)?://[^\s/]*:[^\s/@]+@", logs + lines)
    assert "params are logged by nobody" not in logs


def test_an_export_is_a_file_that_is_what_its_result_says(up: Up):
    person, eve = Person.signed_up(up.url), Person.signed_up(up.url)
    for number in range(3):
        person.follow_to_end(person.submit("demo.steps", steps=number + 1, seconds=0))
    for form in ("csv", "json"):
        task = person.submit("report.export", format=form)
        person.follow_to_end(task)
        assert person.tasks[task]["status"] == "succeeded", person.tasks[task]["error"]
        result = person.tasks[task]["result"]
        answer = person.http.get(result["url"])
        assert answer.status_code == 200
        assert len(answer.content) == result["bytes"]
        assert hashlib.sha256(answer.content).hexdigest() == result["sha256"]
        assert answer.headers["milepost-task-count"] == str(result["tasks"])
        assert eve.http.get(result["url"]).status_code == 404
        assert httpx.get(f"{up.url}{result['url']}").status_code == 401
        if form == "json":
            kinds = [each["type"] for each in json.loads(answer.content)]
            assert kinds == ["report.export", "report.export", *["demo.steps"] * 3]
    refused = person.http.post(
        "/api/submit/tasks", json={"type": "report.export", "params": {"format": "xml"}}
    )
    assert refused.status_code == 422
