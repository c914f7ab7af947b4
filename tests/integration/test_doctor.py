"""The doctor looks at a real deployment, finds what is wrong with it, and changes nothing."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import milepost_notify.main
import milepost_submit.main
from histories import LOG_ID
from milepost.cursors import StreamId
from milepost.settings import Settings
from milepost_log.connection import connect
from milepost_notify.rows import START
from surroundings import StartUp
from up_process import ROOT
from valkey_server import Valkey

SECRET = "a-secret-for-tests-that-has-forty-letters"


def doctor(folder: Path, *arguments: str, **given: str) -> tuple[int, str, str]:
    return run(folder, "doctor", *arguments, **given)


def run(folder: Path, *arguments: str, **given: str) -> tuple[int, str, str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MILEPOST_")}
    done = subprocess.run(
        [sys.executable, "-m", "milepost_cli", *arguments],
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
            "partition 0", "dead letters", "workers", "task types", "submit", "notify", "mail",
            "disk",
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


def test_programs_that_are_not_where_they_are_said_to_be_are_findings(
    tmp_path: Path, deployment: dict[str, str]
) -> None:
    (tmp_path / "broken.py").write_text("import there_is_no_such_module\n")
    (tmp_path / "good.py").write_text("from milepost import task\n@task\ndef a() -> None: ...\n")
    port = deployment["REDIS_URL"].rpartition(":")[2].partition("/")[0]
    wrong = {"SUBMIT_URL": "http://127.0.0.1:9", "NOTIFY_URL": f"http://127.0.0.1:{port}"}
    status, found = told(tmp_path, **deployment, **wrong, TASKS="good, broken")
    assert status == 1
    assert found["submit"]["says"].startswith("http://127.0.0.1:9 does not answer: ConnectError")
    assert found["notify"]["status"] == "fail"
    assert found["tasks"]["says"] == (
        "cannot import 'broken': ModuleNotFoundError: No module named 'there_is_no_such_module'"
    )
    assert all(found[name]["remedy"] for name in ("submit", "notify", "tasks"))
    assert told(tmp_path, **deployment, TASKS="good")[1]["tasks"]["status"] == "ok"


def test_servers_that_are_away_are_findings(tmp_path: Path, deployment: dict[str, str]) -> None:
    away = {
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
    }
    status, found = told(tmp_path, **deployment | away | {"SECRET": "short"})
    assert status == 1
    assert {name: each["status"] for name, each in found.items()} == dict.fromkeys(
        ("secret", "database", "redis"), "fail"
    )


def test_tables_that_are_missing_are_a_finding(tmp_path: Path, deployment: dict[str, str]) -> None:
    (tmp_path / "empty.db").touch()
    empty = {"DATABASE_URL": f"sqlite:///{tmp_path}/empty.db"}
    _, found = told(tmp_path, **deployment | empty)
    assert found["schema"]["status"] == "fail"
    assert "milepost migrate" in found["schema"]["remedy"]
    assert found["redis"]["status"] == "ok"


def test_a_file_that_is_missing_is_a_finding_and_stays_missing(
    tmp_path: Path, deployment: dict[str, str]
) -> None:
    file = tmp_path / "gone.db"
    status, found = told(tmp_path, **deployment | {"DATABASE_URL": f"sqlite:///{file}"})
    assert status == 1
    assert found["database"]["status"] == "fail"
    assert str(file) in found["database"]["says"]
    assert "migrate" in found["database"]["remedy"]
    assert found["redis"]["status"] == "ok"
    assert not file.exists()


@pytest.mark.parametrize("command", ["rebuild", "replay", "reconcile", "adopt"])
@pytest.mark.parametrize("there", [True, False], ids=["no-tables", "no-file"])
def test_commands_that_need_tables_make_no_file_and_say_what_does(
    tmp_path: Path, deployment: dict[str, str], command: str, there: bool
) -> None:
    file = tmp_path / "other 50%.db"
    if there:
        file.touch()
    url = f"sqlite:///{str(file).replace('%', '%25')}"
    status, out, err = run(tmp_path, command, **deployment | {"DATABASE_URL": url})
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "./milepost migrate" in err
    assert file.exists() == there
    assert not there or file.stat().st_size == 0


@pytest.mark.parametrize("command", ["doctor", "dead", "rebuild", "replay", "reconcile", "adopt"])
def test_where_nothing_says_what_to_look_at_that_is_one_line(tmp_path: Path, command: str) -> None:
    status, out, err = run(tmp_path, command)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "no milepost runs in .milepost" in err
    assert "--data-dir" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["doctor"], ["doctor", "--help"]])
def test_a_reader_who_stops_reading_ends_a_command_without_a_word(
    tmp_path: Path, deployment: dict[str, str], arguments: list[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    # Unbuffered, argparse meets the broken pipe first, and says nothing of its own accord.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    given = {f"MILEPOST_{name}": value for name, value in deployment.items()}
    done = subprocess.run(
        [sys.executable, "-m", "milepost_cli", *arguments],
        cwd=tmp_path, env=environment | given, stdout=writer, stderr=subprocess.PIPE, timeout=60,
        check=False,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_log_that_somebody_else_emptied_is_not_called_lost(
    tmp_path: Path, deployment: dict[str, str]
) -> None:
    file = tmp_path / "milepost.db"
    with (
        closing(sqlite3.connect(file)) as database,
        closing(connect(deployment["REDIS_URL"])) as log,
    ):
        log.hset("{mp:0}:meta", mapping={"log_id": LOG_ID, "partitions": 2})  # pyright: ignore  # untyped
        log.xadd("{mp:0}:log", {"a": "b"}, id="7-1")  # pyright: ignore  # untyped
        database.execute(
            "INSERT INTO notify_checkpoint (partition, log_id, era, position, retained, generation)"
            " VALUES (0, ?, 0, ?, ?, 0)",
            (LOG_ID, StreamId(5, 1).sortable, START),
        )
        database.commit()
        trimmed = told(tmp_path, **deployment)[1]["partition 0"]
        assert trimmed["status"] == "fail"
        assert "emptied or trimmed by somebody else" in trimmed["says"]
        assert "./milepost adopt" in trimmed["remedy"]
        # What `adopt` leaves behind is well, though there is no entry at the checkpoint.
        log.hset("{mp:0}:meta", "base", "5-1")  # pyright: ignore  # untyped
        assert "behind" in told(tmp_path, **deployment)[1]["partition 0"]["says"]
        log.hdel("{mp:0}:meta", "base")  # pyright: ignore  # untyped
        log.delete("{mp:0}:log")  # pyright: ignore  # untyped
        log.xadd("{mp:0}:log", {"a": "b"}, id="3-1")  # pyright: ignore  # untyped
        assert "tail was lost" in told(tmp_path, **deployment)[1]["partition 0"]["says"]


def test_the_launcher_knows_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / "milepost", "doctor", "--help"], cwd=tmp_path, capture_output=True, timeout=60,
        check=True,
    )  # fmt: skip
    assert b"--data-dir" in done.stdout
