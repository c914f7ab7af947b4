"""One trace from a request through queue and task until everybody can read it; and log lines in it.

A real `up` sends to a real receiver over OTLP/HTTP. The test after which the collector is dead is
here as well: it harms nothing.
"""

import json
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from milepost.keys import PartitionKeys
from milepost.owners import owner_hash
from milepost.tokens import mint
from otlp_receiver import Received, Receiver, receiving
from up_process import Up
from waiting import wait_for

TASKS = """
import logging
from opentelemetry import trace
import milepost
from milepost import Fail, task

@task("traced.parent", title="Parent", public=True)
def parent() -> None:
    logging.getLogger("shop").warning("seen from inside")
    with trace.get_tracer("shop").start_as_current_span("the user's own"):
        milepost.submit("traced.child", {})

@task("traced.child", title="Child", public=True)
async def child() -> None:
    with trace.get_tracer("shop").start_as_current_span("below an await"):
        pass

@task("traced.fails", title="Fails", public=True, max_attempts=1)
def fails() -> None:
    raise RuntimeError("secret words")
"""
SPAN = "00f067aa0ba902b7"
INTROSPECTION = "/api/submit/introspection"


class Stage:
    def __init__(self, folder: Path, receiver: Receiver) -> None:
        (folder / "traced_tasks.py").write_text(TASKS)
        self.receiver = receiver
        self.up = Up(
            folder, "--port", "0", "--tasks", "traced_tasks",
            otlp_endpoint=receiver.url, log_format="json",
        ).until_ready()  # fmt: skip
        secret = (self.up.data / "secret").read_text().strip()
        token = mint("shop", secret, now=time.time(), scopes=("service",))
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=self.up.url, headers=headers, timeout=30)

    def submit(self, task_type: str, trace: str = "", flags: str = "01") -> str:
        headers = {"traceparent": f"00-{trace}-{SPAN}-{flags}"} if trace else {}
        body: dict[str, Any] = {"type": task_type, "params": {}, "owner": "ann"}
        answer = self.http.post("/api/submit/tasks", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def ended(self, task: str) -> dict[str, Any]:
        """The task, once it has ended."""

        def look() -> dict[str, Any]:
            return self.http.get(f"/api/notify/tasks/{task}", params={"owner": "ann"}).json()

        wait_for(lambda: look().get("ended_at"), "it ends", 40)
        return look()

    def one(self, trace: str, name: str, **about: Any) -> Received:
        """The one span of a trace that has this name."""

        def found() -> list[Received]:
            return [each for each in self.receiver.found(name, **about) if each.trace == trace]

        wait_for(found, lambda: f"{name} in {trace}: {[e.name for e in self.receiver.spans]}", 40)
        (only,) = found()
        return only

    def lines(self) -> list[dict[str, Any]]:
        """Everything that was logged by processes with our log form."""
        logs = [*(self.up.data / "logs").glob("web*.log"), *(self.up.data / "logs").glob("worker*")]
        return [json.loads(line) for log in logs for line in log.read_text().splitlines()]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    with receiving() as receiver:
        found = Stage(tmp_path_factory.mktemp("traces"), receiver)
        yield found
        found.http.close()
        found.up.close()


def test_a_trace_goes_from_the_application_s_span_to_what_can_be_read(stage: Stage):
    trace = "4bf92f" + "3577b34d" + "a6a3" * 4 + "ce"
    task = stage.submit("traced.parent", trace)
    stage.ended(task)

    def posts() -> list[Received]:
        found = stage.receiver.found("POST /api/submit/tasks")
        return sorted((e for e in found if e.trace == trace), key=lambda each: each.began)

    wait_for(lambda: len(posts()) == 2, "the application's and the task's own")
    asked, again = posts()
    assert (asked.service, asked.parent) == ("milepost-submit", SPAN)
    assert asked.about["http.response.status_code"] == 201
    queued = stage.one(trace, "queued default", **{"milepost.task.type": "traced.parent"})
    ran = stage.one(trace, "run traced.parent", **{"milepost.task.id": task})
    assert (ran.service, ran.parent) == ("milepost-worker", asked.id)
    assert queued.parent == asked.id
    own = stage.one(trace, "the user's own")
    assert own.parent == ran.id
    assert again.parent == own.id, "what a task submits is below the span it was submitted in"
    child = stage.one(trace, "run traced.child")
    assert child.parent == again.id
    assert stage.one(trace, "below an await").parent == child.id
    for event in ("created", "started"):
        shown = stage.one(trace, f"project task.{event}", **{"milepost.task.id": task})
        assert (shown.service, shown.parent) == ("milepost-notify", asked.id)
        (batch,) = [
            each
            for each in stage.receiver.found("project batch")
            if f"{each.trace}-{each.id}" in shown.links
        ]
        assert f"{trace}-{asked.id}" in batch.links
        assert batch.ended <= shown.ended + 1_000_000


def test_a_command_without_a_trace_begins_one_and_queries_begin_none(stage: Stage):
    task = stage.submit("traced.child")
    stage.ended(task)
    wait_for(lambda: stage.receiver.found("run traced.child", **{"milepost.task.id": task}), "run")
    (ran,) = stage.receiver.found("run traced.child", **{"milepost.task.id": task})
    assert stage.one(ran.trace, "POST /api/submit/tasks").parent == ""
    asked = stage.http.post(INTROSPECTION, json={"form": "bearer", "text": "mpt_none"})
    assert asked.status_code == 200, asked.text
    later = "abf92f" + "3577b34d" + "a6a3" * 4 + "ce"
    stage.submit("traced.child", later)
    stage.one(later, "POST /api/submit/tasks")  # sent after whatever was before it
    queries = ("GET ", f"POST {INTROSPECTION}")
    assert not [
        each for each in stage.receiver.spans if each.name.startswith(queries) and not each.parent
    ]


def test_a_query_of_a_traced_caller_is_in_its_trace(stage: Stage):
    trace = "5bf92f" + "3577b34d" + "a6a3" * 4 + "ce"
    header = {"traceparent": f"00-{trace}-{SPAN}-01"}
    stage.http.get("/api/notify/tasks", params={"owner": "ann"}, headers=header)
    assert stage.one(trace, "GET /api/notify/tasks").parent == SPAN


def test_notify_is_asked_for_an_old_task_within_the_trace_of_its_retry(stage: Stage):
    """Submit asks it for what its own side has forgotten."""
    old = stage.submit("traced.fails")
    stage.ended(old)
    settings = json.loads((stage.up.data / "running.json").read_text())["settings"]
    keys = PartitionKeys("mp", 0)
    with redis.Redis.from_url(settings["REDIS_URL"]) as client:  # pyright: ignore[reportUnknownMemberType]  # untyped kwargs
        assert client.delete(keys.task(owner_hash("ann"), old)) == 1
    trace = "9bf92f" + "3577b34d" + "a6a3" * 4 + "ce"
    header = {"traceparent": f"00-{trace}-{SPAN}-01"}
    path = f"/api/submit/tasks/{old}/retry"
    answer = stage.http.post(path, params={"owner": "ann"}, headers=header)
    assert answer.status_code == 201, answer.text
    asked = stage.one(trace, "POST /api/submit/tasks/{task_id}/retry")
    shown = stage.one(trace, "GET /api/notify/tasks/{task_id}")
    assert (shown.service, shown.parent) == ("milepost-notify", asked.id)
    assert stage.one(trace, "run traced.fails").parent == asked.id


def test_what_nobody_samples_is_not_sent(stage: Stage):
    trace = "6bf92f" + "3577b34d" + "a6a3" * 4 + "ce"
    stage.ended(stage.submit("traced.parent", trace, flags="00"))
    stage.ended(later := stage.submit("traced.child"))
    wait_for(lambda: stage.receiver.found("run traced.child", **{"milepost.task.id": later}), "run")
    assert not [each for each in stage.receiver.spans if each.trace == trace]


def test_a_failure_says_its_type_and_nothing_that_was_said(stage: Stage):
    trace = "7bf92f" + "3577b34d" + "a6a3" * 4 + "ce"
    task = stage.submit("traced.fails", trace)
    stage.ended(task)
    ran = stage.one(trace, "run traced.fails")
    assert ran.has_failed
    assert ran.about["error.type"] == "RuntimeError"
    assert "secret" not in str(ran.about)


def test_log_lines_say_which_task_and_which_trace_they_are_of(stage: Stage):
    trace = "8bf92f" + "3577b34d" + "a6a3" * 4 + "ce"
    task, failing = stage.submit("traced.parent", trace), stage.submit("traced.fails", trace)
    stage.ended(task)
    stage.ended(failing)
    ran = stage.one(trace, "run traced.parent")
    failed = stage.one(trace, "run traced.fails")
    (said,) = [
        line
        for line in stage.lines()
        if line["message"] == "seen from inside" and line["task_id"] == task
    ]
    assert said["trace_id"] == trace
    assert said["span_id"] == ran.id
    assert (said["service"], said["type"], said["attempt"]) == ("worker", "traced.parent", 1)
    (told,) = [
        line
        for line in stage.lines()
        if line["message"] == "task failed" and line["task_id"] == failing
    ]
    assert (told["trace_id"], told["span_id"]) == (trace, failed.id)


def test_every_line_of_every_service_has_one_form(stage: Stage):
    stage.ended(stage.submit("traced.fails"))
    assert {"worker"} <= {line["service"] for line in stage.lines()} <= {"web", "worker"}
    for line in stage.lines():
        assert list(line)[:5] == ["at", "level", "service", "logger", "message"], line


def test_a_collector_that_answers_nobody_harms_no_task(stage: Stage):
    stage.receiver.answers.clear()
    try:
        began = time.monotonic()
        tasks = [stage.submit("traced.child") for _ in range(40)]
        for task in tasks:
            assert stage.ended(task)["status"] == "succeeded"
        assert time.monotonic() - began < 30
        assert stage.up.answers()
    finally:
        stage.receiver.answers.set()


def test_a_dead_collector_keeps_nothing_from_stopping(tmp_path: Path):
    with receiving() as receiver:
        receiver.answers.clear()
        dying = Stage(tmp_path, receiver)
        try:
            dying.ended(dying.submit("traced.child"))
            assert dying.up.stop() == 0
        finally:
            dying.http.close()
            dying.up.close()


@pytest.mark.parametrize("module", ["milepost_worker.main", "milepost_cli.web"])
def test_without_a_collector_nothing_that_sends_is_imported(module: str):
    code = f"import {module}, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )  # fmt: skip
    ours = (
        "opentelemetry.exporter",
        "opentelemetry.sdk.trace.export",
        "google.protobuf",
        "requests",
    )
    assert not [name for name in done.stdout.split() if name.startswith(ours)]


def test_an_endpoint_that_is_no_address_is_one_line(tmp_path: Path):
    up = Up(tmp_path, "--port", "0", otlp_endpoint="collector:4317")
    try:
        wait_for(lambda: "MILEPOST_OTLP_ENDPOINT" in up.complained, "it says so")
    finally:
        up.close()
