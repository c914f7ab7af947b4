"""Owns what `docker compose up` starts, in a project folder of its own, with the tests' engine."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from container_engine import Engine
from milepost_cli.checkout import ROOT
from valkey_server import free_port
from waiting import wait_for

BAD = ('"level": "ERROR"', '"level": "CRITICAL"', "Traceback", "[error]", "[crit]", "[emerg]",
       "ERROR:", "FATAL:", "PANIC:", "NOPERM", "BUG REPORT")  # fmt: skip
"""What no log has while nothing is broken: ours, nginx', PostgreSQL's, Valkey's."""


class Stack:
    """A project: the compose file and its folder, and the secrets that `milepost init` makes."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        folder.mkdir()
        shutil.copy(ROOT / "docker-compose.yml", folder)
        shutil.copytree(ROOT / "deploy" / "compose", folder / "deploy" / "compose")
        self.port, self.mail_port = free_port(), free_port()
        self.settings = {
            "PORT": str(self.port),
            "MAIL_PORT": str(self.mail_port),
            # A worker that is killed is missed sooner; all else is as a person has it.
            "MILEPOST_LEASE_SECONDS": "5",
        }

    @property
    def url(self) -> str:
        """The one origin."""
        return f"http://127.0.0.1:{self.port}"

    def init(self) -> None:
        """The first of the two commands."""
        subprocess.run(
            [sys.executable, "-m", "milepost_cli", "init"], cwd=self.folder, check=True, timeout=60
        )

    def compose(self, *arguments: str, check: bool = True, seconds: float = 240) -> str:
        """One command of compose; what it printed."""
        done = subprocess.run(
            [Path(sys.executable).with_name("docker-compose"), "--ansi=never", *arguments],
            cwd=self.folder, env=self.engine.environment | self.settings, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds,
            check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, (
            f"{arguments}: {done.stdout[-3000:]}{self.state()}"
        )
        return done.stdout

    def up(self, *arguments: str) -> None:
        """The second command, until all is healthy. Images are there: none is built or pulled."""
        ready = ("--detach", "--wait", "--wait-timeout", "180", "--no-build", "--pull", "never")
        self.compose("up", *ready, *arguments)

    def down(self) -> list[str]:
        """End it and throw its data away; what of it is still there, which is nothing."""
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5")
        mine = ("--filter", "label=com.docker.compose.project=milepost")
        asked = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
        return [line for what in asked for line in self.engine.ask(*what, "-q", *mine).split()]

    def state(self) -> str:
        """Each container's state, and the last that each said that is not well."""
        said = self.engine.run(
            "ps", "--all", "--format", "{{.Names}} {{.Status}}", check=False
        ).stdout
        return f"\n{said}\n{self.logs()[-4000:]}"

    def containers(self, service: str) -> list[dict[str, Any]]:
        """What the engine knows of a service's containers."""
        ids = self.engine.ask(
            "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.service={service}"
        ).split()
        return json.loads(self.engine.ask("inspect", *ids)) if ids else []

    def the(self, service: str) -> dict[str, Any]:
        """What the engine knows of its only container."""
        (only,) = self.containers(service)
        return only

    def kill(self, service: str) -> None:
        """End its first process as a crash would: the engine is not told, and has to notice."""
        os.kill(self.the(service)["State"]["Pid"], signal.SIGKILL)

    def is_back(self, service: str, restarts: int) -> bool:
        """Whether it was started again since it had been started so often, and is well."""
        state = self.the(service)
        health = state["State"].get("Health", {"Status": "healthy"})["Status"]
        is_again = state["RestartCount"] > restarts
        return is_again and state["State"]["Running"] and health == "healthy"

    def wait_until_back(self, service: str, restarts: int, seconds: float = 90) -> None:
        """Wait until it is started again and well."""
        wait_for(
            lambda: self.is_back(service, restarts),
            lambda: f"{service} is back{self.state()}",
            seconds,
        )

    def wait_until_well(self, seconds: float = 120) -> None:
        """Wait until whatever runs for long is healthy."""
        unwell = ("ps", "--quiet", "--filter", "health=starting", "--filter", "health=unhealthy")
        wait_for(
            lambda: not self.engine.ask(*unwell), lambda: f"all is well{self.state()}", seconds
        )

    def logs(self, services: Sequence[str] = (), since: str = "") -> str:
        """What all, or these, have said."""
        window = ("--since", since) if since else ()
        return self.compose("logs", "--no-color", *window, *services, check=False)

    def complaints(self, since: str = "") -> list[str]:
        """Lines of logs that tell of an error."""
        return [line for line in self.logs(since=since).splitlines() if any(b in line for b in BAD)]

    def mails(self) -> list[str]:
        """The subjects of all that was caught."""
        address = f"http://127.0.0.1:{self.mail_port}/api/v1/messages"
        return [mail["Subject"] for mail in httpx.get(address, timeout=20).json()["messages"]]
