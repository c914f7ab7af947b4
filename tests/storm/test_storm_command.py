"""`milepost storm` against a deployment that it has not started: what it strikes, what it says."""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

from up_process import Up, lives


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
        (["--url", "http://127.0.0.1:9"], "does not answer"),
    ],
    ids=["address", "pid", "seconds", "blow", "nobody"],
)
def test_where_there_can_be_no_storm_one_line_says_so(arguments: list[str], words: str) -> None:
    done = milepost_storm(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
