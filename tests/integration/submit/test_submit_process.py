"""`milepost submit` as a process: it serves, stops in order, or says in one line why not."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from milepost.keys import PartitionKeys
from milepost.settings import Settings
from milepost_submit.main import migrate
from submit_surroundings import FREE, PARTITIONS, SECRET, Bearer
from valkey_server import free_port

Start = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def start(valkey_url: str, namespace: str, tmp_path: Path) -> Generator[Start]:
    """Start the program with changes to its environment; the process and its address."""
    processes: list[subprocess.Popen[str]] = []
    environment = {
        "PATH": os.environ["PATH"],
        "MILEPOST_REDIS_URL": valkey_url,
        "MILEPOST_NAMESPACE": namespace,
        "MILEPOST_PARTITIONS": str(PARTITIONS),
        "MILEPOST_DURABILITY": "memory",
        "MILEPOST_DATABASE_URL": f"sqlite:///{tmp_path / 'submit.db'}",
        "MILEPOST_SECRET": SECRET,
        "MILEPOST_SIGNUP": "open",
    }

    def go(**changes: str) -> tuple[subprocess.Popen[str], str]:
        port = changes.pop("port", None) or str(free_port())
        command = [sys.executable, "-m", "milepost_cli", "submit", "--port", port]
        changed = environment | {f"MILEPOST_{name}": value for name, value in changes.items()}
        process = subprocess.Popen(
            command, env=changed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process, f"http://127.0.0.1:{port}"

    migrate(Settings.load(database_url=environment["MILEPOST_DATABASE_URL"]))
    yield go
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until_it_answers(process: subprocess.Popen[str], url: str, path: str) -> httpx.Response:
    deadline = time.monotonic() + 30
    while True:
        try:
            return httpx.get(f"{url}{path}")
        except httpx.TransportError:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline


def test_it_serves_on_a_new_database_and_stops_in_order(start: Start, bearer: Bearer) -> None:
    process, url = start()
    ready = until_it_answers(process, url, "/api/submit/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["task_types"] != "ok"
    credentials = {"username": "bob", "password": "correct horse battery"}
    assert httpx.post(f"{url}/api/submit/accounts", json=credentials).status_code == 201
    body: dict[str, Any] = {"type": FREE.name, "params": {}}
    answer = httpx.post(f"{url}/api/submit/tasks", json=body, headers=bearer("bob"))
    assert answer.status_code == 404  # nobody has announced it
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert out == ""
    assert "Traceback" not in err
    assert "horse" not in err


def test_a_line_about_a_request_is_json_and_in_its_trace_without_any_collector(
    start: Start,
) -> None:
    process, url = start(LOG_FORMAT="json")
    until_it_answers(process, url, "/api/submit/livez")
    trace, span = "4b" * 16, "0f" * 8
    for name, headers in (("bob", {"traceparent": f"00-{trace}-{span}-01"}), ("eve", {})):
        credentials = {"username": name, "password": "correct horse battery"}
        answer = httpx.post(f"{url}/api/submit/accounts", json=credentials, headers=headers)
        assert answer.status_code == 201
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    lines: list[dict[str, Any]] = [json.loads(line) for line in err.splitlines()]
    assert {line["service"] for line in lines} == {"submit"}
    traced, other = [line for line in lines if line.get("action") == "account.create"]
    assert (traced["by"], traced["trace_id"], traced["span_id"]) == ("local:bob", trace, span)
    assert not {"trace_id", "span_id"} & other.keys()


def test_accounts_outlive_the_process_and_sessions_too(start: Start) -> None:
    process, url = start()
    until_it_answers(process, url, "/api/submit/livez")
    credentials = {"username": "bob", "password": "correct horse battery"}
    with httpx.Client(base_url=url) as client:
        client.post("/api/submit/accounts", json=credentials)
        client.post("/api/submit/session", json=credentials)
        cookies = dict(client.cookies)
    process.kill()
    process.wait()
    process, url = start()
    until_it_answers(process, url, "/api/submit/livez")
    with httpx.Client(base_url=url, cookies=cookies) as client:
        assert client.get("/api/submit/session").json()["owner"] == "local:bob"
        assert client.post("/api/submit/accounts", json=credentials).status_code == 409


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"SECRET": ""}, "MILEPOST_SECRET"),
        ({"SECRET": "short"}, "MILEPOST_SECRET"),
        ({"SECRET": f"{SECRET},changeme"}, "MILEPOST_SECRET"),
        ({"DATABASE_URL": "mysql://h/d"}, "MILEPOST_DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:////no/such/folder/x.db"}, "MILEPOST_DATABASE_URL"),
        ({"REDIS_URL": "http://h"}, "MILEPOST_REDIS_URL"),
        ({"PARTITIONS": "0"}, "MILEPOST_PARTITIONS"),
        ({"SIGNUP": "maybe"}, "MILEPOST_SIGNUP"),
    ],
)
def test_what_it_cannot_start_with_it_says_in_one_line(
    start: Start, changes: dict[str, str], named: str
) -> None:
    process, _ = start(**changes)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert named in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("milepost: ")
    assert "Traceback" not in err


def test_a_log_made_with_another_number_of_partitions_stops_it(
    start: Start, valkey_url: str, namespace: str
) -> None:
    with redis.Redis.from_url(valkey_url) as client:  # pyright: ignore[reportUnknownMemberType]  # untyped
        key = PartitionKeys(namespace, 0).meta
        client.hset(key, mapping={"log_id": "0" * 32, "partitions": "16"})  # pyright: ignore[reportUnknownMemberType]  # untyped
    process, _ = start()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "MILEPOST_PARTITIONS=16" in err


def test_a_port_that_is_taken_stops_it(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process, _ = start(port=str(taken.getsockname()[1]))
        _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "cannot listen" in err.splitlines()[-1]
    assert "Traceback" not in err
