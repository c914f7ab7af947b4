"""`milepost storm` against a deployment that it has not started: what it strikes, what it says."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from milepost_cli.storm.follower import Follower
from milepost_cli.storm.history import History
from milepost_cli.storm.owner import Asking, minted
from up_process import Up, lives
from waiting import until


def milepost_storm(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if "MILEPOST_" not in name}
    return subprocess.run(
        [sys.executable, "-P", "-m", "milepost_cli", "storm", *arguments],
        env=clean | dict(environment or {}), capture_output=True, text=True, check=False,
        timeout=100,
    )  # fmt: skip


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Generator[Up]:
    """Somebody's deployment; only its web process' port is known."""
    running = Up(tmp_path_factory.mktemp("up"), "--port", "0", lease_seconds="2").until_ready()
    yield running
    running.close()


def verdict_of(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_of_a_deployment_nothing_is_struck_unless_it_is_named(up: Up) -> None:
    before = up.children()
    verdict = verdict_of(milepost_storm("--url", up.url, "--seconds", "2", "--json", "--seed", "7"))
    assert (verdict["verdict"], verdict["seed"]) == ("kept", 7)
    assert verdict["counts"]["accepted"] > 0
    assert verdict["recoveries"] == []
    assert up.children() == before


async def test_who_has_begun_anew_reads_everything_before_anybody_is_judged(up: Up) -> None:
    secret = (up.data / "secret").read_text().strip()
    owner = minted("late", 0, secret)
    async with httpx.AsyncClient() as http:
        tasks = [{"type": "demo.steps", "params": {"steps": 1, "seconds": 0}}] * 40
        answer = await http.post(
            up.url + "/api/submit/tasks/batch", json={"tasks": tasks}, headers=owner.headers
        )
        assert answer.status_code == 201, answer.text
        ids = {each["id"] for each in answer.json()["tasks"]}

        async def told() -> set[str]:
            listed = await http.get(up.url + "/api/notify/tasks", headers=owner.headers)
            return {each["id"] for each in listed.json()["tasks"]}

        await until(told, ids.__eq__)
        history = History(time.monotonic)
        late = Follower(0, owner, Asking(http, up.url, history, "late"), random.Random(0))
        await late.catch_up(history.now() + 60)
    assert late.held().statuses.keys() == ids


def test_a_named_process_alone_is_struck(up: Up, tmp_path: Path) -> None:
    before = up.children()
    file = tmp_path / "history"
    secret = (up.data / "secret").read_text().strip()
    verdict = verdict_of(
        milepost_storm(
            "--url", up.url, "--seconds", "2", "--json", "--history", str(file),
            "--pid", f"worker={before['worker 1']}", "--blows", "kill worker",
            environment={"MILEPOST_SECRET": secret},
        )
    )  # fmt: skip
    assert [each["blow"] for each in verdict["recoveries"]] == ["kill worker"]
    assert not lives(before.pop("worker 1"))
    after = up.children()
    assert {name: after[name] for name in before} == before
    kinds = {json.loads(line)["record"] for line in file.read_text().splitlines()}
    assert {"Accepted", "Answered", "Told", "Struck", "Archived", "Current", "Held"} <= kinds


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--url", "ftp://x"], "no http:// or https:// address"),
        (["--pid", "worker=x"], "is not NAME=PID"),
        (["--seconds", "-1"], "is not in 0..86400"),
        (["--url", "http://127.0.0.1:9", "--blows", "kill all"], "no blow 'kill all'"),
        (["--blows", "kill all"], "no blow 'kill all'"),
        (["--url", "http://127.0.0.1:9"], "does not answer"),
    ],
    ids=["address", "pid", "seconds", "blow", "blow of its own", "nobody"],
)
def test_where_there_can_be_no_storm_one_line_says_so_and_nothing_is_left(
    arguments: list[str], words: str, tmp_path: Path
) -> None:
    done = milepost_storm(*arguments, environment={"TMPDIR": str(tmp_path)})
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
