"""Owns what `docker compose up` starts, in a project folder of its own, with the tests' engine."""

import json
import os
import re
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
from otlp_receiver import Received
from valkey_server import free_port
from waiting import wait_for

BAD = ('"level": "ERROR"', '"level": "CRITICAL"', "Traceback", "[error]", "[crit]", "[emerg]",
       "ERROR:", "FATAL:", "PANIC:", "NOPERM", "BUG REPORT", "level=error",
       "level=ERROR")  # fmt: skip
"""What no log has while nothing is broken: ours, nginx', PostgreSQL's, Valkey's, Prometheus'."""
ALERTS = Path("deploy", "k8s", "components", "monitoring", "rules.yaml")
"""The only file of the compose file's that is not in deploy/compose."""


PORTS = ("PORT", "MAIL_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT")


class Stack:
    """A project: the compose file and its folder, and the secrets that `milepost init` makes."""

    def __init__(
        self, engine: Engine, folder: Path, *, env_files: Sequence[str] = (), **settings: str
    ) -> None:
        """Start nothing yet.

        Args:
            env_files: as a person names them on the command line; none: `.env` by itself.
            settings: what a person has in the shell.
        """
        self.engine = engine
        self.folder = folder
        self._env_files = [f"--env-file={file}" for file in env_files]
        folder.mkdir()
        shutil.copy(ROOT / "docker-compose.yml", folder)
        shutil.copytree(ROOT / "deploy" / "compose", folder / "deploy" / "compose")
        (folder / ALERTS).parent.mkdir(parents=True)
        shutil.copy(ROOT / ALERTS, folder / ALERTS)
        ports = {name: str(free_port()) for name in PORTS}
        # A worker that is killed is missed sooner; all else is as a person has it.
        self.settings = ports | {"MILEPOST_LEASE_SECONDS": "5"} | settings

    @property
    def url(self) -> str:
        """The one origin."""
        return self.at("PORT")

    def at(self, port: str) -> str:
        """What is published by one of the settings PORTS."""
        return f"http://127.0.0.1:{self.settings[port]}"

    def init(self) -> None:
        """The first of the two commands."""
        subprocess.run(
            [sys.executable, "-m", "milepost_cli", "init"], cwd=self.folder, check=True, timeout=60
        )

    def compose(self, *arguments: str, check: bool = True, seconds: float = 480) -> str:
        """One command of compose; what it printed."""
        program = Path(sys.executable).with_name("docker-compose")
        done = subprocess.run(
            [program, "--ansi=never", *self._env_files, *arguments],
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
        ready = ("--detach", "--wait", "--wait-timeout", "400", "--no-build", "--pull", "never")
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

    def wait_until_back(self, service: str, restarts: int, seconds: float = 180) -> None:
        """Wait until it is started again and well."""
        wait_for(
            lambda: self.is_back(service, restarts),
            lambda: f"{service} is back{self.state()}",
            seconds,
        )

    def wait_until_well(self, seconds: float = 240) -> None:
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
        address = f"{self.at('MAIL_PORT')}/api/v1/messages"
        return [mail["Subject"] for mail in httpx.get(address, timeout=20).json()["messages"]]

    def prometheus(self, what: str, **parameters: str) -> Any:
        """Its HTTP API."""
        address = f"{self.at('PROMETHEUS_PORT')}/api/v1/{what}"
        return httpx.get(address, params=parameters, timeout=20).raise_for_status().json()["data"]

    def has_judged(self) -> bool:
        """Whether Prometheus has evaluated each of its rules at least once."""
        found = [rule for group in self.prometheus("rules")["groups"] for rule in group["rules"]]
        return bool(found) and all(rule["health"] == "ok" for rule in found)

    def grafana(self, path: str, **parameters: str) -> Any:
        """Its HTTP API, as the user whose password `milepost init` has made."""
        (password,) = re.findall(
            r"^GRAFANA_PASSWORD=(.+)$", (self.folder / ".env").read_text(), re.M
        )
        address = f"{self.at('GRAFANA_PORT')}/api/{path}"
        answer = httpx.get(address, params=parameters, auth=("admin", password), timeout=20)
        return answer.raise_for_status().json()

    def spans(self) -> list[Received]:
        """What the collector has said so far that it got."""
        said = self.compose("logs", "--no-color", "--no-log-prefix", "otel-collector")
        found = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        return [Received(**each | {"links": frozenset(each["links"])}) for each in found]
