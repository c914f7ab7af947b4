"""The terminal client against a real `up`: every command, in a pipe and on a terminal."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from person import PASSWORD, Person
from up_process import Up
from waiting import wait_for


@dataclass(frozen=True)
class Terminal:
    """Somebody's shell, signed in or not."""

    up: Up
    home: Path
    person: Person

    def environment(self) -> dict[str, str]:
        own = {k: v for k, v in os.environ.items() if not k.startswith("MILEPOST_")}
        return own | {"XDG_CONFIG_HOME": str(self.home), "TERM": "xterm", "COLUMNS": "120"}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "milepost_cli", *arguments]

    def run(self, *arguments: str, say: str = "") -> tuple[int, str, str]:
        """Exit status, standard output, standard error."""
        done = subprocess.run(
            self.command(*arguments), cwd=self.home, env=self.environment(), input=say,
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def json(self, *arguments: str) -> Any:
        status, out, err = self.run(*arguments, "--json")
        assert status == 0, err
        return json.loads(out)

    def detached(self, *arguments: str) -> str:
        """The id of a task that was sent, and not waited for."""
        status, out, err = self.run("send", *arguments, "--detach")
        assert (status, err) == (0, "")
        return out.strip()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("up"), "--port", "0").until_ready()
    yield running
    running.close()


@pytest.fixture(scope="module")
def shell(up: Up, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """Signed in, once for all tests that do not sign out."""
    return signed_in(up, tmp_path_factory.mktemp("home"))


def signed_in(up: Up, home: Path) -> Terminal:
    terminal = Terminal(up, home, Person.signed_up(up.url))
    name = terminal.person.name
    status, out, err = terminal.run(
        "login", "--url", up.url, "--username", name, "--password-stdin", say=f"{PASSWORD}\n"
    )
    assert (status, out, err) == (0, f"signed in at {up.url} as {name}\n", "")
    return terminal


def test_sending_in_a_pipe_writes_a_line_for_each_change(shell: Terminal):
    status, out, err = shell.run("send", "demo.steps", "steps=3", "seconds=1")
    assert (status, err) == (0, "")
    assert "\x1b" not in out
    *lines, result = re.split(r"\n(?=\{)", out)
    told = lines[0].splitlines()
    assert len(told) == len(set(told))
    assert told[-1].startswith("succeeded   100 %")
    assert json.loads(result) == {"steps": 3}


def test_sending_as_json_writes_the_ended_task_alone(shell: Terminal):
    sent = shell.json(
        "send", "mail.send", "to=a@b.test", "to=c@d.test", "subject=1", "body=x",
        "--title", "Two", "--tag", "one", "--tag", "two", "--priority", "high",
    )  # fmt: skip
    assert (sent["status"], sent["result"]["sent"]) == ("succeeded", 2)
    assert (sent["title"], sent["tags"], sent["priority"]) == ("Two", ["one", "two"], "high")
    assert sent["params"] == {"to": ["a@b.test", "c@d.test"], "subject": "1", "body": "x"}
    params = json.dumps({"steps": 1, "seconds": 0})
    status, out, _ = shell.run("send", "demo.steps", "--params", "-", "--json", say=params)
    assert (status, json.loads(out)["params"]) == (0, {"steps": 1, "seconds": 0})


def test_a_task_that_fails_is_status_1_and_can_be_run_again(shell: Terminal):
    arguments = ("demo.steps", "steps=2", "seconds=0", "fail_at=1")
    status, out, _ = shell.run("send", *arguments, "--json")
    failed = json.loads(out)
    assert (status, failed["status"]) == (1, "failed")
    status, out, _ = shell.run("retry", failed["id"], "--json")
    again = json.loads(out)
    assert (status, again["status"], again["retry_of"]) == (1, "failed", failed["id"])
    status, out, _ = shell.run("show", failed["id"])
    assert status == 0
    assert "failed" in out.splitlines()[0]
    assert re.search(r"created\b.*\n(.*\n)*.*\bfailed\b", out)
    history = shell.json("show", failed["id"])["events"]
    assert [each["type"] for each in (history[0], history[-1])] == ["task.created", "task.failed"]
    status, out, _ = shell.run("explain", failed["id"])
    assert (status, out.startswith("It has failed")) == (0, True)
    assert shell.json("explain", failed["id"])["reason"] == "failed"


def test_a_detached_task_is_listed_watched_and_cancelled(shell: Terminal):
    task = shell.detached("demo.steps", "steps=600", "seconds=60", "--tag", "long")
    listed = shell.json("tasks", "--status", "active", "--tag", "long")
    assert [each["id"] for each in listed] == [task]
    status, out, _ = shell.run("tasks", "--type", "demo.steps")
    assert (status, task in out) == (0, True)
    status, out, err = shell.run("watch", task, "--timeout", "0.5")
    assert (status, task in out) == (4, True)
    assert f"watch {task}" in err
    status, out, _ = shell.run("cancel", task)
    assert (status, out.split()[0]) == (0, task)
    status, out, _ = shell.run("watch", task)
    assert (status, out.splitlines()[-1].split()[0]) == (1, "cancelled")
    status, out, err = shell.run("watch", "--tag", "long", "--json", "--timeout", "0.5")
    assert (status, json.loads(out.splitlines()[0])["id"]) == (4, task)
    assert shell.json("tasks", "--type", "no.such") == []


def test_several_are_watched_beside_each_other(shell: Terminal):
    long = shell.detached("demo.steps", "steps=600", "seconds=60")
    short = shell.detached("demo.steps", "steps=20", "seconds=2")
    with subprocess.Popen(
        shell.command("watch", long, short), cwd=shell.home, env=shell.environment(),
        stdout=subprocess.PIPE, text=True,
    ) as watching:  # fmt: skip
        assert watching.stdout is not None
        assert any(line.startswith("succeeded") and short in line for line in watching.stdout)
        assert shell.run("cancel", long)[0] == 0, "the second was shown after the first's end"
        assert watching.stdout.read().splitlines()[-1].split()[0] == "cancelled"
    assert watching.returncode == 1
    status, out, _ = shell.run("watch", long, short, "--json")
    ended = [json.loads(line) for line in out.splitlines()]
    assert (status, [each["id"] for each in ended]) == (1, [long, short])
    assert ended[1]["result"] == {"steps": 20}


def test_what_is_wrong_is_said_in_one_line(shell: Terminal, up: Up):
    for arguments, status, said in (
        (("send", "demo.steps", "steps=x"), 2, "steps"),
        (("send", "demo.steps", "steps=0"), 2, "params.steps"),
        (("send", "demo.steps", "steps"), 2, "key=value"),
        (("send", "no.such", "a=b"), 1, "demo.steps"),
        (("send",), 2, "milepost send --help"),
        (("tasks", "--nonsense"), 2, "--nonsense"),
        (("tasks", "--url", "http://127.0.0.1:1"), 3, "login"),
        (("show", "0"), 1, "task"),
    ):
        found, out, err = shell.run(*arguments)
        assert (found, out, err.count("\n")) == (status, "", 1), (arguments, err)
        assert said in err
    ended = shell.json("send", "demo.steps", "steps=1", "seconds=0")
    status, _, err = shell.run("cancel", ended["id"])
    assert (status, "succeeded" in err) == (1, True)


def test_who_is_not_reachable_is_status_3(shell: Terminal):
    environment = shell.environment() | {
        "MILEPOST_URL": "http://127.0.0.1:1",
        "MILEPOST_TOKEN": "x",
    }
    done = subprocess.run(
        shell.command("explain", "x"), env=environment, cwd=shell.home, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)


def test_signing_in_makes_a_token_and_signing_out_revokes_it(up: Up, tmp_path: Path):
    shell = signed_in(up, tmp_path)
    http = shell.person.http
    (first,) = http.get("/api/submit/access-tokens").json()["access_tokens"]
    assert first["name"].startswith("milepost on ")
    kept = json.loads((tmp_path / "milepost" / "logins.json").read_text())[0]
    assert oct((tmp_path / "milepost" / "logins.json").stat().st_mode)[-3:] == "600"
    again = ("login", "--username", shell.person.name, "--password-stdin", "--json")
    assert shell.run(*again, say=f"{PASSWORD}\n")[0] == 0
    (second,) = http.get("/api/submit/access-tokens").json()["access_tokens"]
    assert second["id"] != first["id"]
    assert shell.run(*again, say="wrong wrong wrong\n")[0] == 3
    assert shell.run("logout") == (0, f"signed out of {up.url}\n", "")
    assert http.get("/api/submit/access-tokens").json()["access_tokens"] == []
    assert shell.run("tasks", "--url", up.url)[0] == 3
    # A revoked token is noticed, whoever has kept it.
    token = {"Authorization": f"Bearer {kept['token']}"}
    wait_for(lambda: http.get("/api/notify/tasks", headers=token).status_code == 401, "revocation")
    status, _, err = shell.run("login", "--token-stdin", "--url", up.url, say=kept["token"])
    assert (status, err.count("\n")) == (3, 1)


def test_a_running_up_is_found_by_its_folder(shell: Terminal, up: Up):
    assert shell.json("tasks", "--data-dir", str(up.data), "--limit", "1") is not None


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_a_shell(shell: Terminal, shell_name: str):
    status, out, _ = shell.run("completion", shell_name)
    assert (status, "completion words" in out) == (0, True)


def test_bash_completes_types_and_their_params(shell: Terminal, tmp_path: Path):
    bin = tmp_path / "milepost"
    bin.write_text(f'#!/bin/sh\nexec {sys.executable} -m milepost_cli "$@"\n')
    bin.chmod(0o755)
    script = f"""
PATH={tmp_path}:$PATH
eval "$(milepost completion bash)"
COMP_WORDS=(milepost send demo.steps st) COMP_CWORD=3
_milepost 2>/dev/null; echo "${{COMPREPLY[@]}}"
COMP_WORDS=(milepost send "") COMP_CWORD=2
_milepost 2>/dev/null; echo "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "-c", script], env=shell.environment(), cwd=shell.home, capture_output=True,
        text=True, timeout=60, check=True,
    )  # fmt: skip
    first, second = done.stdout.splitlines()
    assert first == "steps="
    assert {"demo.steps", "mail.send"} <= set(second.split())


def on_terminal(shell: Terminal, arguments: Sequence[str], *, interrupt_on: str = "") -> str:
    """What a command shows on a terminal, and its exit status at the end."""
    pid, fd = pty.fork()
    if pid == 0:
        # As on a terminal that was opened: a run of tests that a script started in the background
        # ignores it, and what is started inherits that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.chdir(shell.home)
        os.execve(sys.executable, shell.command(*arguments), shell.environment())
    shown = b""
    while True:
        try:
            some = os.read(fd, 65536)
        except OSError:  # its end
            break
        if not some:
            break
        shown += some
        if interrupt_on and interrupt_on.encode() in shown:
            interrupt_on = ""
            os.write(fd, b"\x03")
    os.close(fd)
    _, status = os.waitpid(pid, 0)
    return f"{shown.decode()}\n[{os.waitstatus_to_exitcode(status)}]"


def test_on_a_terminal_a_bar_moves(shell: Terminal):
    shown = on_terminal(shell, ["send", "demo.steps", "steps=4", "seconds=1"])
    assert "\x1b" in shown
    assert "━" in shown
    assert "100 %" in shown
    assert shown.endswith("[0]")


def test_ctrl_c_says_that_the_task_goes_on(shell: Terminal):
    shown = on_terminal(
        shell, ["send", "demo.steps", "steps=600", "seconds=60"], interrupt_on="running"
    )
    assert shown.endswith("[130]")
    found = re.search(r"goes on: `./milepost watch (\S+)`", shown)
    assert found
    assert "Traceback" not in shown
    assert shell.json("show", found[1])["status"] == "running"
    watched = on_terminal(shell, ["watch"], interrupt_on="running")
    assert watched.endswith("[130]")
    assert shell.run("cancel", found[1])[0] == 0


def test_who_stops_reading_ends_it_without_a_word(shell: Terminal):
    command = " ".join(shell.command("watch")) + " | head -n 1"
    shell.detached("demo.steps", "steps=40", "seconds=4")
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], env=shell.environment(), cwd=shell.home,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (141, 1, "")
