"""The doctor looks at a real deployment, finds what is wrong with it, and changes nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import milepost_notify.main
import milepost_submit.main
from milepost.settings import Settings
from surroundings import StartUp
from up_process import ROOT
from valkey_server import Valkey

SECRET = "a-secret-for-tests-that-has-forty-letters"


def doctor(folder: Path, *arguments: str, **given: str) -> tuple[int, str, str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MILEPOST_")}
    done = subprocess.run(
        [sys.executable, "-m", "milepost_cli", "doctor", *arguments],
        cwd=folder,
        env=environment | {f"MILEPOST_{name}": value for name, value in given.items()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def told(folder: Path, **given: str) -> tuple[int, dict[str, dict[str, Any]]]:
    status, out, _ = doctor(folder, "--json", **given)
    return status, {each["check"]: each for each in json.loads(out)}


def test_all_is_well_with_a_running_up(start_up: StartUp, tmp_path: Path) -> None:
    start_up(data=".milepost").until_ready()
    status, found = told(tmp_path)
    assert status == 0, found
    assert {name: each["status"] for name, each in found.items()} == dict.fromkeys(
        (
            "secret", "database", "schema", "parked", "durability", "memory", "redis", "clock",
            "partition 0", "dead letters", "workers", "task types", "mail",
        ),
        "ok",
    )  # fmt: skip
    status, out, err = doctor(tmp_path)
    assert (status, err) == (0, "")
    assert len(out.splitlines()) == len(found)
    assert all(line.startswith("ok ") for line in out.splitlines())


def test_nothing_that_runs_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    status, out, err = doctor(tmp_path, "--data-dir", "data")
    assert (status, out, err.count("\n")) == (2, "", 1)


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A Valkey that forgets, tables, and nobody who works."""
    url = f"sqlite:///{tmp_path}/milepost.db"
    settings = Settings.load(database_url=url)
    milepost_submit.main.migrate(settings)
    milepost_notify.main.migrate(settings)
    server = Valkey(tmp_path)
    server.start()
    yield {"REDIS_URL": server.url, "DATABASE_URL": url, "PARTITIONS": "2", "SECRET": SECRET}
    server.stop()


def test_what_is_wrong_is_told_with_its_remedy(tmp_path: Path, deployment: dict[str, str]) -> None:
    status, found = told(tmp_path, **deployment, SMTP_URL="smtp://127.0.0.1:9")
    assert status == 1
    assert found["redis"]["status"] == found["schema"]["status"] == "ok"
    assert found["mail"]["status"] == "fail"
    assert found["partition 1"]["status"] == "warn"
    assert found["workers"]["status"] == "warn"
    assert all(each["remedy"] for each in found.values() if each["status"] != "ok")


def test_servers_that_are_away_are_findings(tmp_path: Path, deployment: dict[str, str]) -> None:
    away = {
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "DATABASE_URL": f"sqlite:///{tmp_path}/no/such.db",
    }
    status, found = told(tmp_path, **deployment | away | {"SECRET": "short"})
    assert status == 1
    assert {name: each["status"] for name, each in found.items()} == dict.fromkeys(
        ("secret", "database", "redis"), "fail"
    )


def test_tables_that_are_missing_are_a_finding(tmp_path: Path, deployment: dict[str, str]) -> None:
    empty = {"DATABASE_URL": f"sqlite:///{tmp_path}/empty.db"}
    _, found = told(tmp_path, **deployment | empty)
    assert found["schema"]["status"] == "fail"
    assert "milepost migrate" in found["schema"]["remedy"]
    assert found["redis"]["status"] == "ok"


def test_the_launcher_knows_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / "milepost", "doctor", "--help"], cwd=tmp_path, capture_output=True, timeout=60,
        check=True,
    )  # fmt: skip
    assert b"--data-dir" in done.stdout
