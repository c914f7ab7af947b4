"""What `docker compose up` starts, for real: from nothing to a mail, and what may happen to it."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from compose_stack import Stack
from container_engine import Engine
from container_images import NEXT, OURS
from person import Person
from waiting import wait_for

from .conftest import First

pytestmark = pytest.mark.timeout(1800)  # the first to ask for the stack waits for the builds too
SECONDS = 180
"""For whatever a machine that does other things as well may take its time with."""
PROGRAMS = ("submit", "notify", "projector", "worker")
ALL = (*PROGRAMS, "valkey", "postgres", "proxy", "mailpit")
WATCHING = ("prometheus", "grafana", "otel-collector")
REACHED = ("proxy", "mailpit", "prometheus", "grafana")


def send(person: Person, subject: str) -> None:
    """Send a mail and see it at 100 %."""
    task = person.submit("mail.send", to=["bob@x.test"], subject=subject, body="b")
    person.follow_to_end(task, seconds=SECONDS)
    assert person.tasks[task]["progress"] == 100


def test_two_commands_lead_from_nothing_to_a_mail(fresh_stack: Stack, from_nothing: First) -> None:
    assert from_nothing.task["status"] == "succeeded"
    assert from_nothing.task["progress"] == 100
    assert from_nothing.complaints == []
    assert (fresh_stack.folder / ".env").stat().st_mode & 0o777 == 0o600


def test_without_secrets_compose_says_what_makes_them(engine: Engine, tmp_path: Path) -> None:
    said = Stack(engine, tmp_path / "project").compose("up", "--detach", check=False)
    assert "run ./milepost init" in said


def test_a_mail_is_caught_and_the_page_is_served(stack: Stack) -> None:
    person = Person.signed_up(stack.url)
    send(person, "to be caught")
    assert "to be caught" in stack.mails()
    page = person.http.get("/")
    assert page.status_code == 200
    assert "default-src" in page.headers["content-security-policy"]
    assert person.http.get("/api/submit/metrics").status_code == 404


def test_a_stream_is_sent_through_while_it_goes_on(stack: Stack) -> None:
    person = Person.signed_up(stack.url)
    task = person.submit("demo.steps", steps=40, seconds=8)
    seen: set[float] = set()
    with person.http.stream("GET", "/api/notify/notifications/stream") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            row: dict[str, Any] = json.loads(line[5:]) if line.startswith("data:") else {}
            if row.get("name") == "task_progress" and row["data"]["id"] == task:
                seen.add(row["data"]["progress"])
                if row["data"]["status"] == "succeeded":
                    break
    # Held back by a buffer, it would all have come at the end, with the last state alone.
    assert len(seen) > 5


def test_stores_are_out_of_reach_and_every_root_is_read_only(stack: Stack) -> None:
    for service in (*ALL, *WATCHING):
        container = stack.the(service)
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"], service
        assert host["Memory"] > 0, service
        assert host["RestartPolicy"]["Name"] == "unless-stopped", service
        published = [each for each in container["NetworkSettings"]["Ports"].values() if each]
        assert bool(published) == (service in REACHED), service
    for service in ("valkey", "postgres"):
        assert list(stack.the(service)["NetworkSettings"]["Networks"]) == ["milepost_stores"]


def test_valkey_knows_one_user_who_may_do_what_the_page_says(stack: Stack) -> None:
    asked = ("exec", "--no-TTY", "valkey", "valkey-cli", "--no-auth-warning")
    mine = (*asked, "--user", "milepost")
    assert "PONG" in stack.compose(*mine, "ping")
    for command in (("keys", "*"), ("config", "set", "appendonly", "no"), ("acl", "list")):
        assert "NOPERM" in stack.compose(*mine, *command, check=False)
    assert "always" in stack.compose(*mine, "config", "get", "appendfsync")
    assert "noeviction" in stack.compose(*mine, "config", "get", "maxmemory-policy")
    assert "WRONGPASS" in stack.compose(*asked, "--user", "default", "ping", check=False)


@pytest.mark.parametrize("service", ALL)
def test_after_a_kill_of_any_it_goes_on_by_itself(stack: Stack, service: str) -> None:
    person = Person.signed_up(stack.url)
    before = person.submit("demo.steps", steps=20, seconds=2)
    restarts = stack.the(service)["RestartCount"]
    stack.kill(service)
    stack.wait_until_back(service, restarts)
    send(person, f"after a kill of {service}")
    person.follow_to_end(before, seconds=SECONDS)
    assert person.tasks[before]["status"] == "succeeded"
    since = stack.engine.ask(
        "inspect", "--format", "{{.State.StartedAt}}", stack.the(service)["Id"]
    )
    send(person, f"{service} is back")
    if service in PROGRAMS:  # it came back without a complaint of its own
        said = stack.logs([service], since=since)
        assert '"level": "ERROR"' not in said, said
        assert "Traceback" not in said, said


def test_after_all_kills_a_mail_arrives_and_no_log_complains(stack: Stack) -> None:
    since = datetime.now(UTC).isoformat()
    send(Person.signed_up(stack.url), "after all kills")
    assert stack.complaints(since) == []


@pytest.mark.parametrize("service", PROGRAMS)
def test_what_is_told_to_stop_ends_in_order(stack: Stack, service: str) -> None:
    stack.compose("stop", service)
    try:
        assert stack.the(service)["State"]["ExitCode"] == 0, stack.logs([service])
        if service in ("submit", "notify"):
            with Person(stack.url).http as http:
                answer = http.get(f"/api/{service}/livez")
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["retry-after"] == "1"
            assert answer.json()["type"] == "urn:milepost:unavailable"
    finally:
        stack.up("--no-deps", service)


def test_three_workers_share_the_work(stack: Stack) -> None:
    try:
        stack.up("--no-deps", "--no-recreate", "--scale", "worker=3", "worker")
        person = Person.signed_up(stack.url)
        # Accepted all at once, and more than two workers have threads for, however slow all is.
        each = {"type": "demo.steps", "params": {"steps": 4, "seconds": 2}}
        answer = person.http.post("/api/submit/tasks/batch", json={"tasks": [each] * 48})
        tasks = [task["id"] for task in answer.raise_for_status().json()["tasks"]]
        person.follow_to_end(*tasks, seconds=SECONDS)
        workers = {
            event["data"]["worker"].partition(".")[0]
            for task in tasks
            for event in person.events(task)
            if event["type"] == "task.started"
        }
        assert len(workers) == 3
    finally:
        stack.up("--no-deps", "--no-recreate", "--scale", "worker=1", "worker")


def test_one_version_replaces_the_other_under_load_and_no_task_is_lost(stack: Stack) -> None:
    person = Person.signed_up(stack.url)
    accepted: list[str] = []
    over = threading.Event()

    def load() -> None:
        while not over.is_set():
            accepted.append(person.submit("demo.steps", steps=4, seconds=0.4))
            over.wait(0.05)

    def more_than(count: int) -> None:
        """Wait until people have gone on."""
        wait_for(lambda: len(accepted) > count or not loading.is_alive(), "people go on", SECONDS)
        assert loading.is_alive()

    def versions() -> list[str]:
        label = "org.opencontainers.image.version"
        return [stack.the(name)["Config"]["Labels"][label] for name in PROGRAMS]

    old = versions()
    loading = threading.Thread(target=load)
    loading.start()
    try:
        stack.settings["MILEPOST_IMAGE"] = NEXT if old[0] == "1.0.0" else OURS
        stack.compose("run", "--rm", "--no-TTY", "--no-deps", "migrate")
        for service in ("worker", "projector", "notify", "submit"):
            count = len(accepted)
            stack.up("--no-deps", service)
            more_than(count)
    finally:
        over.set()
        loading.join(60)
    assert not set(old) & set(versions())
    follower = Person(stack.url, person.name)
    follower.http.cookies = person.http.cookies
    follower.follow_to_end(*accepted, seconds=SECONDS)
    assert len(accepted) >= 20
    assert {follower.tasks[task]["status"] for task in accepted} == {"succeeded"}
