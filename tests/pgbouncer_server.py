"""Owns a real PgBouncer for tests before a PostgreSQL, pooling transactions. Not the product's."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from certificates import certificate_in
from postgres_server import NOBODY, Postgres
from valkey_server import free_port

CONNECTIONS = 3
"""To a database: fewer than clients have, so that each transaction may get another one."""


class PgBouncer:
    """A pooler one may freeze and kill."""

    def __init__(
        self, postgres: Postgres, *, is_tls: bool = False, mode: str = "transaction"
    ) -> None:
        """`is_tls`: whoever comes has to speak TLS; `certificate` is the authority's."""
        found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
        assert found is not None, "no PgBouncer: apt-get install pgbouncer"
        self._postgres = postgres
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="milepost-pgbouncer-"))
        self._user = NOBODY if os.geteuid() == 0 else None  # it refuses to be root
        configuration = self._folder / "pgbouncer.ini"
        configuration.write_text(
            f"""
            [databases]
            * = host=127.0.0.1 port={postgres.port} user=milepost
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {self.port}
            unix_socket_dir =
            auth_type = any
            pool_mode = {mode}
            default_pool_size = {CONNECTIONS}
            max_client_conn = 500
            server_login_retry = 0.1
            """
        )
        if is_tls:
            self.certificate, key = certificate_in(self._folder)
            with configuration.open("a") as more:
                more.write(
                    "client_tls_sslmode = require\n"
                    f"client_tls_cert_file = {self.certificate}\nclient_tls_key_file = {key}\n"
                )
        if self._user is not None:
            self._folder.chmod(0o755)
        self._command = [found, str(configuration)]
        self._process: subprocess.Popen[bytes] | None = None

    def url_of(self, database: str) -> str:
        """Of a database, through it."""
        return self._postgres.url_of(database, self.port)

    def through(self, url: str) -> str:
        """The same database as that URL names, through it."""
        return self.url_of(url.rpartition("/")[2])

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
            user=self._user, group=self._user,
            extra_groups=None if self._user is None else [],
        )  # fmt: skip
        log.close()
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url_of("postgres"), connect_timeout=3).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "the pooler does not answer"
                assert self._process.poll() is None, (self._folder / "log").read_text()

    def send(self, number: signal.Signals) -> None:
        """SIGSTOP freezes it: connections stand, and nothing comes."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(30)

    def remove(self) -> None:
        """End it and remove what it has."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
