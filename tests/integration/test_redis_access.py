"""Stores as they stand in a network: Redis over TLS, for a user who may do what
docs/redis-commands.md says, and PostgreSQL behind PgBouncer."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.exceptions import ResponseError

from databases import Databases
from milepost.errors import LogUnavailable
from milepost_log.servers import open_servers
from person import PASSWORD, Person
from redis_access import Guarded, guarded
from redis_users import NAME
from up_process import ROOT, Up


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Guarded]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with guarded(folder) as found:
        yield found


def command(up: Up, *arguments: str) -> str:
    """What an operator's command says."""
    done = subprocess.run(
        [ROOT / "milepost", *arguments, "--data-dir", up.data],
        cwd=up.data.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        stdin=subprocess.DEVNULL, timeout=60, check=False,
    )  # fmt: skip
    return done.stdout


def settled(up: Up, person: Person) -> None:
    """Use everything there is: tasks of every fate, a worker that dies, people who come and go."""
    done = person.submit("demo.steps", steps=3, seconds=0)
    failed = person.submit("demo.steps", steps=3, seconds=0, fail_at=2)
    crashed = person.submit("demo.steps", steps=3, seconds=0.3, crash_at=2)
    mail = person.submit("mail.send", to=["a@x.test"], subject="s", body="b")
    person.follow_to_end(done, failed, crashed, mail)
    export = person.submit("report.export", format="csv")
    person.follow_to_end(export)
    assert person.http.get(person.tasks[export]["result"]["url"]).status_code == 200
    long = person.submit("demo.steps", steps=1000, seconds=600)
    person.follow(lambda: person.tasks.get(long, {}).get("status") == "running", "it runs")
    body = {"type": "demo.steps", "params": {"steps": 1, "seconds": 0}, "delay_seconds": 0.5}
    later = person.http.post(
        "/api/submit/tasks", json=body, headers={"Idempotency-Key": "k"}
    ).json()["id"]
    for path in (f"tasks/{long}/explain", f"tasks/{long}"):
        assert person.http.get(f"/api/notify/{path}").status_code == 200
    for act, task, status in (
        ("cancel", long, 202), ("retry", failed, 201), ("dismiss", done, 204),
        ("cancel", done, 409),
    ):  # fmt: skip
        answer = person.http.post(f"/api/submit/tasks/{task}/{act}")
        assert answer.status_code == status, answer.text
    until = {"until": person.cursor}
    assert person.http.post("/api/submit/inbox/read", json=until).status_code == 204
    person.follow_to_end(long, later)
    wrong = {"username": person.name, "password": f"not {PASSWORD}"}
    assert person.http.post("/api/submit/session", json=wrong).status_code == 401


def test_the_whole_of_milepost_runs_as_a_user_kept_to_the_documented_commands(
    server: Guarded, pgbouncer_databases: Databases, tmp_path: Path
):
    server.admin.execute_command("ACL", "SETUSER", NAME, "-config|get")  # as managed ones have it
    up = Up(
        tmp_path, "--port", "0", redis_url=server.url, durability="memory", lease_seconds="1",
        max_requests_per_second="1000", database_url=pgbouncer_databases.take(),
    ).until_ready()  # fmt: skip
    try:
        person = Person.signed_up(up.url)
        settled(up, person)
        queued = person.submit("demo.steps", steps=1000, seconds=600)
        person.follow(lambda: person.tasks.get(queued, {}).get("status") == "running", "it runs")
        os.kill(up.children()["worker 1"], signal.SIGTERM)  # it hands back what it holds
        person.follow(lambda: person.tasks[queued]["attempt"] == 2, "the second attempt")
        for arguments in (["doctor"], ["dead", "list"], ["replay"], ["reconcile"], ["rebuild"]):
            said = command(up, *arguments)
            assert "Traceback" not in said, said
            assert "NOPERM" not in said, said
            assert "NoPermission" not in said, said
        answer = person.http.delete("/api/submit/session")
        assert answer.status_code == 204
        assert up.stop() == 0
    finally:
        up.close()
    assert set(server.refusals()) == {"command config|get in toplevel"}
    keys = [key.partition("}")[0] for key in server.admin.scan_iter("*")]
    assert keys
    assert {key[:4] for key in keys if key.startswith("{")} == {"{mp:"}


def test_that_user_may_do_nothing_else(server: Guarded):
    with redis.Redis.from_url(server.url) as client:  # pyright: ignore[reportUnknownMemberType]  # untyped
        for refused in (
            ["FLUSHALL"], ["KEYS", "*"], ["CONFIG", "SET", "maxmemory", "1"], ["GET", "else"],
            ["SET", "else", "1"], ["PUBLISH", "else", "1"], ["ACL", "LIST"], ["SHUTDOWN"],
            ["EVAL", "return redis.call('SET', KEYS[1], 1)", 1, "else"], ["SCRIPT", "FLUSH"],
            ["REPLICAOF", "NO", "ONE"], ["FUNCTION", "LIST"], ["SAVE"],
        ):  # fmt: skip
            with pytest.raises(ResponseError, match=r"(?i)noperm|no permissions"):
                client.execute_command(*refused)  # pyright: ignore[reportUnknownMemberType]  # untyped
        assert client.ping()  # pyright: ignore[reportUnknownMemberType]  # untyped
    assert len(server.refusals()) >= 10


def test_a_certificate_that_cannot_be_verified_is_an_outage_said_with_its_reason(server: Guarded):
    with open_servers(server.url) as servers, servers.at("mp:x") as client:
        assert client.exists("mp:x") == 0
    other_name = server.url.replace("127.0.0.1", "localhost")
    for url, reason in ((server.unverified_url, "certificate"), (other_name, "certificate")):
        with (
            open_servers(url) as servers,
            pytest.raises(LogUnavailable, match=f"(?i){reason}"),
            servers.at("mp:x") as client,
        ):
            client.exists("mp:x")
