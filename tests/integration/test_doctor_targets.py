"""`doctor --target` says in words what a store can promise: real servers of every kind."""

import json
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from milepost_cli.doctor import targets
from milepost_cli.doctor.finding import Finding
from pgbouncer_server import PgBouncer
from postgres_server import Postgres
from redis_access import guarded
from redis_users import NAME
from up_process import command
from valkey_cluster import tell
from valkey_server import Valkey

Servers = Callable[..., AbstractContextManager[Valkey]]


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    """Makes a server that runs until the end of a block."""

    @contextmanager
    def run(**options: Any) -> Generator[Valkey]:
        folder = tmp_path / f"valkey {len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        server = Valkey(folder, **options)
        server.start()
        try:
            yield server
        finally:
            server.stop()

    return run


def told(*urls: str) -> dict[str, Finding]:
    found = list(targets.findings(urls))
    for each in found:
        assert (each.status == "ok") == (each.remedy is None), each
    return {each.check: each for each in found}


def test_a_server_as_it_has_to_be_promises_all(servers: Servers) -> None:
    with servers(appendfsync="always", maxmemory="512mb") as server:
        tell(server, "CONFIG", "SET", "maxmemory-policy", "noeviction")
        found = told(server.url)
        assert {each.status for each in found.values()} == {"ok"}, found
        assert "no task is lost" in found["redis durability"].says
        assert "435" not in found["redis memory"].says  # 85 % of 537 MB
        assert "456 MB" in found["redis memory"].says
        assert tell(server, "DBSIZE") == 0
        assert tell(server, "CLIENT", "LIST").count(b"\n") == 1  # ours that asks


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"appendfsync": "everysec"}, "the last second"),
        ({"options": ("--save", "60 1")}, "since its last snapshot"),
        ({}, "loses everything (appendonly no)"),
    ],
)
def test_what_is_lost_when_it_is_killed_is_said(
    servers: Servers, options: dict[str, Any], word: str
) -> None:
    with servers(**options) as server:
        found = told(server.url)
    assert found["redis durability"].status == "fail"
    assert word in found["redis durability"].says
    assert "appendfsync always" in str(found["redis durability"].remedy)


def test_one_that_evicts_and_has_no_limit_is_told(servers: Servers) -> None:
    options = ("--maxmemory-policy", "allkeys-lru")
    with servers(appendfsync="always", options=options) as server:
        found = told(server.url)
    assert found["redis eviction"].status == "fail"
    assert "allkeys-lru" in found["redis eviction"].says
    assert found["redis memory"].status == "warn"


def test_a_replica_and_its_primary_are_told_apart(servers: Servers) -> None:
    with servers(appendfsync="always") as primary, servers(appendfsync="always") as replica:
        tell(replica, "REPLICAOF", "127.0.0.1", primary.port)
        found = told(replica.url)
        assert found["redis role"].status == "fail"
        found = told(primary.url)
        while "no replica" in found["redis failover"].says:  # until it has come
            found = told(primary.url)
        assert found["redis failover"].status == "warn"
        tell(primary, "CONFIG", "SET", "min-replicas-to-write", "1")
        found = told(primary.url)
    assert found["redis failover"].status == "ok"
    assert "may lose some milliseconds" in found["redis failover"].says


def test_the_documented_user_may_all_that_is_needed(tmp_path: Path) -> None:
    with guarded(tmp_path) as server:
        found = told(server.url)
        assert found["redis rights"].status == "ok"
        assert found["redis transport"].says.startswith("encrypted")
        assert server.refusals() == []
        found = told(server.unverified_url)
        assert found["redis"].status == "fail"


@pytest.mark.parametrize(
    ("taken", "status", "word"),
    [
        (["-xadd", "-evalsha"], "fail", "EVALSHA, XADD"),
        (["-exec"], "fail", "EXEC"),
        (["-multi"], "fail", "MULTI"),
        (["resetkeys", "~{other:*"], "fail", "GET"),
        (["resetchannels"], "fail", "PUBLISH"),
        (["-config|get", "-client|setinfo"], "ok", "CLIENT SETINFO, CONFIG GET is not needed"),
    ],
)
def test_rights_that_are_missing_are_named(
    servers: Servers, taken: list[str], status: str, word: str
) -> None:
    with servers(appendfsync="always") as server:
        tell(server, "ACL", "SETUSER", NAME, *taken)
        found = told(server.url)
        assert tell(server, "DBSIZE") == 0
    assert found["redis rights"].status == status
    assert word in found["redis rights"].says
    if "-config|get" in taken:
        assert found["redis durability"].status == "warn"


def test_a_node_of_a_cluster_wants_the_cluster_s_url(cluster_url: str) -> None:
    found = told(cluster_url.replace("redis+cluster", "redis").partition(",")[0])
    assert found["redis cluster"].status == "fail"
    assert "redis+cluster://" in str(found["redis cluster"].remedy)
    found = told(cluster_url)
    rights = [each for name, each in found.items() if name.startswith("redis rights ")]
    assert [each.status for each in rights] == ["ok"] * 3


def test_who_gives_no_cluster_is_told_as_that(servers: Servers) -> None:
    with servers() as server:
        for url, word in (
            (server.administrator_url, "cluster support disabled"),
            (server.url, "no permissions to run the 'cluster|slots'"),
        ):
            found = told(url.replace("redis:", "redis+cluster:"))["redis"]
            assert word in found.says
            assert "CLUSTER SLOTS" in str(found.remedy)


def test_nobody_there_is_told() -> None:
    found = told("redis://127.0.0.1:9/0", "postgresql://x@127.0.0.1:9/x")
    assert (found["redis"].status, found["sql"].status) == ("fail", "fail")


def test_postgresql_says_what_it_can_promise(postgres: Postgres) -> None:
    found = told(postgres.url)
    assert found["sql version"].status == "ok"
    assert found["sql durability"].status == "fail"  # the tests' own server has fsync off
    assert "nothing stands between" in found["sql pooling"].says
    assert "may make the schemas" in found["sql rights"].says
    assert found["sql connections"].says.startswith("197 for all")


@pytest.mark.parametrize(
    ("mode", "status", "word"),
    [
        ("transaction", "ok", "in transaction mode: it works"),
        ("session", "ok", "session mode"),
        ("statement", "fail", "pools statements"),
    ],
)
def test_pgbouncer_s_mode_is_found_out(
    postgres: Postgres, mode: str, status: str, word: str
) -> None:
    pooler = PgBouncer(postgres, mode=mode)
    pooler.start()
    try:
        found = told(pooler.url_of("postgres"))
    finally:
        pooler.remove()
    assert found["sql pooling"].status == status
    assert word in found["sql pooling"].says


def test_a_user_without_rights_is_told(postgres: Postgres) -> None:
    url = postgres.make_database("bare")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN")
        connection.execute("CREATE SCHEMA notify")
        found = told(url.replace("milepost@", "guest@"))
        assert "may not use the schema notify" in found["sql rights"].says
        connection.execute("GRANT USAGE ON SCHEMA notify TO guest")
        found = told(url.replace("milepost@", "guest@"))
        assert "the user may make none" in found["sql rights"].says


def test_the_command_shows_no_password_and_fails_when_a_store_does(
    tmp_path: Path, standalone_url: str
) -> None:
    word = "a-word-nobody-sees"
    away = (f"redis://u:{word}@127.0.0.1:9/0", f"postgresql://u:{word}@127.0.0.1:9/x")
    wanted = [part for url in (standalone_url, *away) for part in ("--target", url)]
    status, out, err = command(tmp_path, "doctor", *wanted)
    assert (status, err) == (1, "")
    assert word not in out
    assert "redis durability" in out
    status, out, err = command(tmp_path, "doctor", "--json", "--target", "sqlite:///here.db")
    assert (status, [each["status"] for each in json.loads(out)]) == (0, ["warn"])
    assert not (tmp_path / "here.db").exists()


def test_without_a_url_it_is_the_environment_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILEPOST_REDIS_URL", "redis://127.0.0.1:9/0")
    monkeypatch.setenv("MILEPOST_DATABASE_URL", "postgresql://x@127.0.0.1:9/x")
    assert set(told("")) == {"redis transport", "redis", "sql transport", "sql"}


def test_a_url_of_something_else_is_one_line(tmp_path: Path) -> None:
    status, out, err = command(tmp_path, "doctor", "--target", "amqp://127.0.0.1")
    assert (status, out, err.count("\n")) == (2, "", 1)
