"""Two releases on one log and one database: under load part after part becomes the next release.

Old workers beside new readers and new workers beside old readers, by real processes.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from copied_tree import sources
from milepost import tokens
from milepost.keys import PartitionKeys
from milepost_log.connection import connect
from next_version import next_version
from one_origin import one_origin
from person import new_id
from valkey_server import free_port
from waiting import wait_for

SECRET = "a-secret-for-tests-that-has-forty-letters"
OWNERS = ("ann", "bob", "cem")
ENDS = {"succeeded", "failed", "cancelled"}
Kind = tuple[str, dict[str, Any]]
KNOWN_TO_BOTH: tuple[Kind, ...] = (
    ("sample.noop", {}), ("sample.count", {"upto": 50}), ("sample.flaky", {"fail_times": 1}),
    ("sample.sleep", {"seconds": 0.3}),
)  # fmt: skip
LOGS: Kind = ("sample.stepped", {})
"""Writes lines, which the next release does in a version that this one cannot read."""


@dataclass
class Part:
    """One process of the deployment."""

    arguments: tuple[str, ...]
    environment: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list[Any])

    def become(self, release: list[Path]) -> None:
        """Stop as deployments stop it, and start with the code of a release."""
        self.stop()
        path = os.pathsep.join(map(str, [*release, Path(__file__).parents[1]]))
        command = [sys.executable, "-m", "milepost_cli", *self.arguments]
        environment = self.environment | {"PYTHONPATH": path}
        self.processes.append(subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL))

    def stop(self) -> None:
        """End it as it should end."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in (0, -signal.SIGTERM), self.arguments
        self.processes.clear()


@dataclass
class Deployment:
    """Submit, two workers, a projector and notify's API."""

    redis_url: str
    namespace: str
    database_url: str

    def __post_init__(self) -> None:
        clean = {name: value for name, value in os.environ.items() if "MILEPOST" not in name}
        submit, notify = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        told = {
            "REDIS_URL": self.redis_url, "NAMESPACE": self.namespace, "PARTITIONS": "2",
            "DATABASE_URL": self.database_url, "SECRET": SECRET, "DURABILITY": "memory",
            "TASKS": "sample_tasks", "SUBMIT_URL": submit, "NOTIFY_URL": notify,
            "LOG_FORMAT": "text", "GRACE_SECONDS": "2",
        }  # fmt: skip
        self.environment = clean | {f"MILEPOST_{name}": value for name, value in told.items()}
        self.urls = submit, notify
        commands = {
            "submit": ("submit", "--port", submit.rpartition(":")[2]),
            "notify": ("notify", "--port", notify.rpartition(":")[2]),
            "projector": ("projector",),
            "worker 1": ("worker",),
            "worker 2": ("worker",),
        }
        self.parts = {name: Part(line, self.environment) for name, line in commands.items()}

    def entries(self) -> list[dict[str, str]]:
        """The log, of both partitions."""
        found: list[tuple[bytes, dict[bytes, bytes]]] = []
        with closing(connect(self.redis_url)) as client:
            for partition in range(2):
                read: Any = client.xrange(PartitionKeys(self.namespace, partition).log)
                found += read
        return [{k.decode(): v.decode() for k, v in fields.items()} for _, fields in found]

    def dead(self) -> int:
        """How many entries nobody could read."""
        with closing(connect(self.redis_url)) as client:
            lengths: Any = [client.xlen(PartitionKeys(self.namespace, p).dead) for p in range(2)]
        return sum(lengths)

    def parked(self) -> set[str]:
        """Ids of tasks of which an event waits for newer code."""
        with closing(sqlite3.connect(self.database_url.removeprefix("sqlite:///"))) as database:
            return {task for (task,) in database.execute("SELECT task_id FROM notify_parked")}


class Application:
    """Somebody's backend that never stops submitting, and is promised an end of all it was told."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(timeout=20)
        self.accepted: dict[str, tuple[str, str]] = {}
        """Owner and type by id."""
        self._enough = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> "Application":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()
        self._http.close()

    def finish(self) -> None:
        """Submit no more."""
        self._enough.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _go_on(self) -> None:
        try:
            number = 0
            while not self._enough.wait(0.3):
                owner = OWNERS[number % len(OWNERS)]
                kinds = KNOWN_TO_BOTH if number % 3 else (*KNOWN_TO_BOTH, LOGS)
                self.submit(owner, kinds)
                number += 1
        except Exception as err:
            self._failure = err

    def submit(self, owner: str, kinds: Sequence[Kind]) -> list[str]:
        """A batch, again with the same ids until it is answered."""
        tasks: list[dict[str, Any]] = [
            {"id": new_id(), "type": type, "params": params} for type, params in kinds
        ]
        body = {"tasks": [task | {"owner": owner} for task in tasks]}
        answers: list[dict[str, Any]] = []

        def answered() -> bool:
            answer = self._ask("POST", "/api/submit/tasks/batch", body)
            answers.extend([] if answer is None else [answer])
            return bool(answers)

        wait_for(answered, "submit comes back", seconds=60)
        self.accepted |= {task["id"]: (owner, task["type"]) for task in tasks}
        return [task["id"] for task in answers[0]["tasks"]]

    def ended(self, tasks: Collection[str]) -> None:
        """Wait until notify tells of each that it has succeeded."""
        told: dict[str, str] = {}

        def all_told() -> bool:
            for owner in {self.accepted[task][0] for task in tasks}:
                told.update(self._statuses(owner))
            return all(told.get(task) in ENDS for task in tasks)

        wait_for(all_told, f"the end of {len(tasks)} tasks", seconds=90)
        assert {told[task] for task in tasks} == {"succeeded"}

    def _statuses(self, owner: str) -> dict[str, str]:
        """Of all tasks of an owner; of some while notify is away."""
        found: dict[str, str] = {}
        before = ""
        while before is not None:
            page = self._ask("GET", f"/api/notify/tasks?owner={owner}&limit=1000{before}")
            if page is None:
                break
            found |= {task["id"]: task["status"] for task in page["tasks"]}
            before = None if page["before"] is None else f"&before={page['before']}"
        return found

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any] | None:
        token = tokens.mint("shop", SECRET, now=time.time(), scopes=["service"])
        headers = {"Authorization": f"Bearer {token}"}
        try:
            answer = self._http.request(method, self._url + path, json=body, headers=headers)
        except httpx.TransportError:
            return None
        if answer.status_code >= 500:  # it starts
            return None
        assert answer.status_code < 300, answer.text
        return answer.json()


@pytest.fixture
def deployment(valkey_url: str, namespace: str, database_url: str) -> Iterator[Deployment]:
    """Nothing of it runs yet."""
    made = Deployment(valkey_url, namespace, database_url)
    yield made
    for part in made.parts.values():
        for process in part.processes:
            process.kill()
            process.wait()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_task_ends_while_part_after_part_is_replaced(deployment: Deployment, tmp_path: Path):
    old, new = sources(), next_version(tmp_path)
    parts = deployment.parts
    for part in parts.values():
        part.become(old)
    with one_origin(*deployment.urls) as url, Application(url) as application:

        def both_work_and_all_is_shown() -> None:
            """What both releases know is told as it ends, whichever worker ran it."""
            hosts = set[bool]()
            while hosts != {True, False}:
                before = len(started())
                application.ended(application.submit("ann", KNOWN_TO_BOTH * 4))
                hosts |= {'"host":"new"' in each["d"] for each in started()[before:]}

        def started() -> list[dict[str, str]]:
            return [each for each in deployment.entries() if each["t"] == "started"]

        application.ended(application.submit("ann", KNOWN_TO_BOTH))  # the old release, all of it

        parts["worker 1"].become(new)
        both_work_and_all_is_shown()
        wait_for(deployment.parked, "what the old projector cannot read", seconds=60)
        news = {each["k"] for each in deployment.entries() if each["t"] == "logged/2"}
        assert deployment.parked() <= news, "what both releases know is never parked"

        parts["projector"].become(new)
        parts["notify"].become(new)
        both_work_and_all_is_shown()
        replayed = subprocess.run(
            [sys.executable, "-m", "milepost_cli", "replay"], check=False, timeout=60,
            env=deployment.environment | {"PYTHONPATH": os.pathsep.join(map(str, new))},
        )  # fmt: skip
        assert replayed.returncode == 0
        assert deployment.parked() == set()

        parts["submit"].become(new)
        parts["worker 2"].become(new)
        application.ended(application.submit("ann", [*KNOWN_TO_BOTH, LOGS]))
        application.finish()
        application.ended(application.accepted)

    entries = deployment.entries()
    ends = Counter(each["k"] for each in entries if each["t"] in ENDS)
    assert ends == dict.fromkeys(application.accepted, 1)
    kinds = {each["t"] for each in entries}
    assert {"logged", "logged/2"} <= kinds, "both releases have written lines"
    assert deployment.parked() == set()
    assert deployment.dead() == 0
    assert "text" in json.loads(next(each["d"] for each in entries if each["t"] == "logged"))
