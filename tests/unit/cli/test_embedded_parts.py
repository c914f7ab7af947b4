"""The small decisions of the launcher that need no process."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from milepost.errors import ConfigurationError
from milepost_cli import valkey
from milepost_cli.child import describe
from milepost_cli.env_file import complete
from milepost_cli.readiness import verdict

VALUES = {"MILEPOST_SECRET": "new", "POSTGRES_PASSWORD": "pw"}


@pytest.mark.parametrize(
    ("status", "last_line", "said"),
    [
        (signal.SIGKILL, "whatever it said", "SIGKILL"),
        (signal.SIGSEGV | 0x80, "", "SIGSEGV"),
        (1 << 8, "ValueError: no", "exit 1: ValueError: no"),
        (3 << 8, "", "exit 3"),
        (0, "bye", "exit 0"),
    ],
)
def test_how_a_process_ended_is_said_in_words(status: int, last_line: str, said: str) -> None:
    assert describe(status, last_line) == said


@pytest.mark.parametrize(
    ("before", "after", "made"),
    [
        (
            "",
            "MILEPOST_SECRET=new\nPOSTGRES_PASSWORD=pw\n",
            ["MILEPOST_SECRET", "POSTGRES_PASSWORD"],
        ),
        ("A=1", "A=1\nMILEPOST_SECRET=new\nPOSTGRES_PASSWORD=pw\n", list(VALUES)),
        (
            "# mine\nMILEPOST_SECRET=old\n\nPOSTGRES_PASSWORD=\nB=2\n",
            "# mine\nMILEPOST_SECRET=old\n\nPOSTGRES_PASSWORD=pw\nB=2\n",
            ["POSTGRES_PASSWORD"],
        ),
        ("export MILEPOST_SECRET = 'x'\nPOSTGRES_PASSWORD=y\n", None, []),
        ("MILEPOST_SECRET=x\nPOSTGRES_PASSWORD=y\nMILEPOST_SECRET=\n", None, []),
        (
            'MILEPOST_SECRET= # to do\nPOSTGRES_PASSWORD=""\n',
            "MILEPOST_SECRET=new\nPOSTGRES_PASSWORD=pw\n",
            list(VALUES),
        ),
        (
            "#MILEPOST_SECRET=x\nMY_MILEPOST_SECRET=x\nPOSTGRES_PASSWORD=y\n",
            "#MILEPOST_SECRET=x\nMY_MILEPOST_SECRET=x\nPOSTGRES_PASSWORD=y\nMILEPOST_SECRET=new\n",
            ["MILEPOST_SECRET"],
        ),
    ],
)
def test_init_fills_in_what_is_missing_and_nothing_else(
    before: str, after: str | None, made: list[str]
) -> None:
    assert complete(before, VALUES) == (before if after is None else after, made)


def test_what_is_not_ready_is_named_with_its_reason() -> None:
    body = b'{"status": 503, "checks": {"redis": "no answer", "database": "ok", "types": "none"}}'
    answer = b"HTTP/1.1 503 Service Unavailable\r\nX: y\r\n\r\n" + body
    assert verdict(answer) == (503, "redis: no answer, types: none")


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"", (0, "")),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b'{"checks": {}}', (200, "")),
        (b"HTTP/1.1 502 Bad\r\n\r\n<html>", (502, "the web process answers 502")),
        (b"HTTP/1.1 500 Bad\r\n\r\n[1]", (500, "the web process answers 500")),
        (b"SSH-2.0-x\r\n", (0, "")),
    ],
)
def test_any_answer_has_a_verdict(answer: bytes, found: tuple[int, str]) -> None:
    assert verdict(answer) == found


def test_the_store_writes_through_unless_told_that_memory_will_do() -> None:
    def lines(durability: str | None) -> list[str]:
        return valkey.config(Path("/d"), 1, "p", durability=durability).splitlines()

    assert "appendfsync always" in lines(None)
    assert "appendfsync always" in lines("fsync")
    assert "appendfsync everysec" in lines("memory")
    assert {"maxmemory-policy noeviction", "appendonly yes", "bind 127.0.0.1"} <= {*lines(None)}


def test_a_folder_of_any_name_fits_in_the_configuration() -> None:
    config = valkey.config(Path('/a b/"c"\\ü\n'), 1, "p", durability=None)
    assert 'dir "/a b/\\x22c\\x22\\x5c\\xc3\\xbc\\x0a"\n' in config


def server(path: Path, version: str) -> None:
    path.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0 bits=64'\n")
    path.chmod(0o755)


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Hide the wheel's server; give the one folder on PATH."""

    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr(valkey, "find_spec", nothing)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_without_a_server_that_is_new_enough_the_remedy_is_said(no_wheel: Path) -> None:
    server(no_wheel / "valkey-server", "7.0.15")
    (no_wheel / "redis-server").write_text("not a program")
    (no_wheel / "redis-server").chmod(0o755)
    with pytest.raises(ConfigurationError, match="install valkey-server or redis-server"):
        valkey.binary()


def test_a_server_on_path_will_do(no_wheel: Path) -> None:
    server(no_wheel / "valkey-server", "7.0.15")
    server(no_wheel / "redis-server", "7.2.4")
    assert valkey.binary() == str(no_wheel / "redis-server")


def test_a_free_port_lies_below_those_that_outgoing_connections_get() -> None:
    assert 20_000 <= valkey.free_port() < 30_000


def test_the_supervisor_loads_nothing_that_is_large() -> None:
    code = "import sys, milepost_cli.main, milepost_cli.up; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    large = {
        "asyncio",
        "fastapi",
        "pydantic",
        "redis",
        "sqlalchemy",
        "starlette",
        "logging",
        "http",
    }
    assert not loaded & large
    assert {name for name in loaded if name.startswith("milepost")} == {"milepost", "milepost_cli"}
