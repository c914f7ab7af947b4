"""Parts of the data folder are gone: what `up` says, and how one goes on, with the real program."""

import json
import os
import shutil
import signal
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from milepost_cli import valkey
from milepost_log.connection import connect
from person import PASSWORD, Person
from surroundings import StartUp
from up_process import Up, command
from waiting import wait_for


def signed_in(up: Up, name: str) -> Person:
    person = Person(up.url, name)
    account = {"username": name, "password": PASSWORD}
    assert person.http.post("/api/submit/session", json=account).status_code == 200
    return person


def status(person: Person, task: str) -> str:
    return person.http.get(f"/api/notify/tasks/{task}").json()["status"]


def use(up: Up) -> tuple[Person, str, str]:
    """Somebody with a task that has ended and one that goes on for long."""
    person = Person.signed_up(up.url)
    ended, live = (person.submit("demo.steps", steps=1, seconds=seconds) for seconds in (0, 600))
    person.follow_to_end(ended)
    person.follow(lambda: person.tasks.get(live, {}).get("status") == "running", "a live task")
    return person, ended, live


@pytest.mark.parametrize("resubmit", [False, True], ids=["end", "resubmit"])
def test_without_the_log_up_says_so_at_once_and_goes_on_once_it_is_adopted(
    start_up: StartUp, tmp_path: Path, resubmit: bool
) -> None:
    up = start_up(data=".milepost").until_ready()
    person, ended, live = use(up)
    assert up.stop() == 0
    shutil.rmtree(up.data / "valkey")

    for _ in range(2):  # a start that was refused makes no log
        began = time.monotonic()
        refused = start_up(data=".milepost")
        assert refused.process.wait(60) == 2
        assert time.monotonic() - began < 30  # about two, and a busy machine
        assert refused.said == ""
        assert refused.complained.count("\n") == 1, refused.complained
        assert "the log is empty" in refused.complained
        assert f"`./milepost adopt --data-dir {up.data}`" in refused.complained
        assert "MILEPOST_" not in refused.complained

    code, out, err = command(tmp_path, "adopt")
    assert (code, err) == (1, "")
    assert "the log is empty" in out
    code, out, err = command(tmp_path, "adopt", "--confirm")
    assert (code, err) == (0, ""), out
    assert "goes on with log" in out
    assert command(tmp_path, "adopt", "--confirm")[:2] == (
        0, "every partition goes on with its log: nothing to adopt\n",
    )  # fmt: skip

    again = start_up(data=".milepost").until_ready()
    person = signed_in(again, person.name)
    assert status(person, ended) == "succeeded"
    code, out, err = command(tmp_path, "reconcile")
    assert (code, err) == (1, "")
    assert live in out
    options = ["--confirm", "--resubmit"] if resubmit else ["--confirm"]
    assert command(tmp_path, "reconcile", *options)[0] == 0
    expected = "running" if resubmit else "failed"
    wait_for(lambda: status(person, live) == expected, "the reconciled task")
    new = person.submit("demo.steps", steps=1, seconds=0)
    person.follow_to_end(new)
    assert person.tasks[new]["status"] == "succeeded"
    code, out, err = command(tmp_path, "doctor")
    assert code == 0, out


def test_a_folder_at_rest_is_left_at_rest(start_up: StartUp, tmp_path: Path) -> None:
    up = start_up(data=".milepost").until_ready()
    assert up.stop() == 0
    code, out, err = command(tmp_path, "adopt")
    assert (code, out, err) == (0, "every partition goes on with its log: nothing to adopt\n", "")
    again = start_up(data=".milepost").until_ready()
    assert again.complained == ""
    assert command(tmp_path, "adopt")[0] == 0, "of one that runs"
    assert again.stop() == 0


def test_a_log_that_is_emptied_while_it_runs_takes_the_page_from_nobody(
    start_up: StartUp, tmp_path: Path
) -> None:
    up = start_up(data=".milepost").until_ready()
    person = Person.signed_up(up.url)
    ended = person.submit("demo.steps", steps=1, seconds=0)
    person.follow_to_end(ended)
    running = json.loads((up.data / "running.json").read_text())
    url = valkey.administrator_url(running["settings"]["REDIS_URL"])
    with closing(connect(url)) as client:
        client.flushall()  # pyright: ignore[reportUnknownMemberType]  # untyped
    os.kill(up.children()["web"], signal.SIGKILL)

    def is_served() -> bool:
        try:
            return status(person, ended) == "succeeded"
        except (httpx.TransportError, KeyError):
            return False

    wait_for(is_served, "the page after its restart")
    assert not up.answers()
    assert up.process.poll() is None
    assert command(tmp_path, "adopt", "--confirm")[0] == 0
    wait_for(up.answers, "readiness")


def test_without_the_database_up_goes_on_with_the_log_and_says_what_is_gone(
    start_up: StartUp, tmp_path: Path
) -> None:
    up = start_up(data=".milepost").until_ready()
    assert "database is new" not in up.complained
    person, ended, live = use(up)
    assert up.stop() == 0
    for file in up.data.glob("milepost.db*"):
        file.unlink()

    again = start_up(data=".milepost").until_ready()
    assert "the database is new, the log is not" in again.complained
    account = {"username": person.name, "password": PASSWORD}
    nobody = Person(again.url, person.name)
    assert nobody.http.post("/api/submit/session", json=account).status_code == 401
    anew = Person.signed_up(again.url, person.name)
    wait_for(lambda: status(anew, live) == "running", "the live task")
    assert status(anew, ended) == "succeeded", "the log had it"
    assert again.stop() == 0
    third = start_up(data=".milepost").until_ready()
    assert "database is new" not in third.complained
