"""What holds for every test: in CI nothing is skipped or expected to fail."""

import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from hypothesis import settings as hypothesis_settings

from databases import MIGRATED, Databases, Files, Spares, Through, migrate
from milepost_log.servers import open_servers
from person import EVERYBODY
from pgbouncer_server import PgBouncer
from postgres_server import Postgres
from redis_users import as_administrator
from valkey_cluster import ValkeyCluster
from valkey_server import StartValkey, Valkey

IN_CI = bool(os.environ.get("CI"))

# How long an example takes says how busy the machine is, and nothing about what is tested.
hypothesis_settings.register_profile("milepost", deadline=None)
hypothesis_settings.load_profile("milepost")


def pytest_sessionstart() -> None:
    """What `timeout` sends ends the run as Ctrl-C does: with all that it has started and made."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if IN_CI and (report.skipped or hasattr(report, "wasxfail")):
        _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if IN_CI and report.skipped:
        _refuse(report)
    return report


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip or an expected failure into a failure that says so."""
    why: object = report.longrepr
    if isinstance(why, tuple):  # where, which line, and the reason
        why = cast(tuple[object, ...], why)[-1]
    why = getattr(report, "wasxfail", None) or why
    report.__dict__.pop("wasxfail", None)
    report.outcome = "failed"
    report.longrepr = f"nothing is skipped in CI: {why or 'no reason given'}"


@pytest.fixture(scope="session")
def standalone_url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A real server for the whole run."""
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server.url
    server.stop()


@pytest.fixture
def own_valkey(tmp_path: Path) -> Generator[Valkey]:
    """A real server of the test's own, to be killed, frozen or filled."""
    yield from running(Valkey(tmp_path))


@pytest.fixture
def durable_valkey(tmp_path: Path) -> Generator[Valkey]:
    """The same with everything on the disk that it has answered."""
    yield from running(Valkey(tmp_path, appendfsync="always"))


def running(server: Valkey) -> Generator[Valkey]:
    server.start()
    yield server
    server.stop()


@pytest.fixture
def start_valkey(tmp_path: Path) -> Generator[StartValkey]:
    """Start servers of the test's own that are set as it says, one after the other."""
    started: list[Valkey] = []

    def start(**how: Any) -> Valkey:
        started.append(Valkey(tmp_path, **how))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def postgres() -> Generator[Postgres]:
    """A real server for the whole run, with databases to copy; tests have a database each."""
    server = Postgres()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def spare_databases(postgres: Postgres) -> Spares:
    """Databases for tests, made when one is wanted and emptied when a test has ended."""
    migrate(postgres.make_database(MIGRATED))
    return Spares(postgres)


@pytest.fixture
def postgresql_databases(spare_databases: Spares) -> Generator[Databases]:
    """Databases in PostgreSQL."""
    yield spare_databases
    spare_databases.give_back()


@pytest.fixture(scope="session")
def pgbouncer(postgres: Postgres) -> Generator[PgBouncer]:
    """A pooler in transaction mode before that server."""
    pooler = PgBouncer(postgres)
    pooler.start()
    yield pooler
    pooler.remove()


@pytest.fixture
def pgbouncer_databases(postgresql_databases: Databases, pgbouncer: PgBouncer) -> Databases:
    """The same databases through the pooler."""
    return Through(pgbouncer, postgresql_databases)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database with no rows in it: SQLite, unless a test wants it otherwise
    (`databases.EVERYWHERE`)."""
    databases: Databases = request.getfixturevalue(
        f"{getattr(request, 'param', 'sqlite')}_databases"
    )
    return databases.take()


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file to copy."""
    path = tmp_path_factory.mktemp("database") / "migrated.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_databases(sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Databases in SQLite."""
    return Files(sqlite_file, tmp_path_factory.mktemp("databases"))


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A real cluster of three primaries for the whole run."""
    cluster = ValkeyCluster(tmp_path_factory.mktemp("cluster"))
    cluster.start()
    yield cluster.url
    cluster.stop()


@pytest.fixture(scope="session")
def valkey_url(request: pytest.FixtureRequest) -> str:
    """Where the log is: a single server, or what `valkey_cluster.BOTH` says; tests keep apart by
    `namespace`."""
    return request.getfixturevalue(f"{getattr(request, 'param', 'standalone')}_url")


@pytest.fixture
def namespace(valkey_url: str) -> Generator[str]:
    """A key prefix of the test's own; no key of it is left behind."""
    name = f"mp{uuid4().hex[:12]}"
    yield name
    assert forget(valkey_url, name) == [], "the user of Milepost was refused something"


def forget(url: str, namespace: str) -> list[Any]:
    """Remove every key with a prefix, on every primary; what servers have refused meanwhile."""
    refused: list[Any] = []
    with open_servers(as_administrator(url)) as servers:
        for client in servers.primaries().values():
            for key in client.scan_iter(match=f"*{namespace}*", count=1000):  # pyright: ignore  # untyped
                client.unlink(key)  # pyright: ignore  # untyped
            refused += client.acl_log()  # pyright: ignore  # untyped
            client.acl_log_reset()  # pyright: ignore  # untyped
    return refused


@pytest.fixture(autouse=True)
def everybody_leaves() -> Generator[None]:
    """Close the connections of the people a test has made."""
    yield
    while EVERYBODY:
        EVERYBODY.pop().http.close()
