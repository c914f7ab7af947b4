"""Both services do what their OpenAPI documents say, whatever is sent: schemathesis, all checks on,
with and without credentials, against a real deployment."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import httpx
import pytest
import uvicorn

from milepost import tokens
from milepost.callers import LEEWAY_SECONDS
from milepost.settings import Settings
from milepost_notify.main import build
from milepost_service.http_protocol import protocol_of
from notify_surroundings import SECRET, QuietServer, Scribe, log, settings
from up_process import Up
from waiting import until

__all__ = ["log", "settings"]

HERE = Path(__file__).parent
OWNER = "fuzz"
STREAM = "/api/notify/notifications/stream"
EXAMPLES = 12
RUN_SECONDS = 100
PROGRAM = "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())"
SCOPES = {
    "nobody": [],
    "owner": ["tasks:read", "tasks:write"],
    "backend": ["service"],
    "operator": ["admin"],
}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Generator[Up]:
    running = Up(tmp_path_factory.mktemp("fuzzed"), secret=SECRET).until_ready()
    yield running
    running.close()


@pytest.fixture(scope="module")
def ids(up: Up) -> list[str]:
    """Tasks that succeed, fail, run and wait."""
    found = list[str]()
    token = tokens.mint(OWNER, SECRET, now=time.time(), ttl_seconds=60)
    with httpx.Client(base_url=up.url, headers={"Authorization": f"Bearer {token}"}) as client:
        for params, more in (
            ({"steps": 2, "seconds": 0}, {}),
            ({"steps": 2, "seconds": 0, "fail_at": 1}, {"tags": ["a"], "title": "Fails"}),
            ({"steps": 1000, "seconds": 3600}, {}),
            ({"steps": 2, "seconds": 0}, {"delay_seconds": 3600}),
        ):
            body = {"type": "demo.steps", "params": params, **more}
            answer = client.post("/api/submit/tasks", json=body)
            assert answer.status_code == 201, answer.text
            found.append(answer.json()["id"])
    return found


def fuzz(address: str, *options: str, token: str | None = None, ids: list[str]) -> tuple[int, str]:
    """Run schemathesis on a document; its exit status and what it said."""
    command = [sys.executable, "-c", PROGRAM, "--no-color"]
    command += ["--config-file", str(HERE / "schemathesis.toml"), "run", address, *options]
    if token is not None:
        command += ["--header", f"Authorization: Bearer {token}"]
    known = {"FUZZ_IDS": " ".join(ids), "SCHEMATHESIS_HOOKS": "fuzz_hooks"}
    done = subprocess.run(
        command,
        cwd=HERE,
        env=os.environ | known | {"PYTHONPATH": str(HERE)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("service", ["submit", "notify"])
@pytest.mark.parametrize("who", SCOPES)
def test_a_service_does_what_its_document_says(
    up: Up, ids: list[str], service: str, who: str
) -> None:
    scopes = SCOPES[who]
    token = tokens.mint(OWNER, SECRET, now=time.time(), scopes=scopes) if scopes else None
    options = ["--max-examples", str(EXAMPLES), "--exclude-path", STREAM]
    address = f"{up.url}/api/{service}/openapi.json"
    status, said = fuzz(address, *options, token=token, ids=ids)
    assert status == 0, said
    assert "unexpected error" not in up.complained


@pytest.fixture
async def with_short_streams(settings: Settings, log: Scribe) -> AsyncGenerator[tuple[str, str]]:
    """Notify, and a token that is good for 20 ms and stays so: its clock stands still. Each stream
    ends when its credentials do."""
    expires_at = int(time.time()) + 3600
    token = tokens.mint(OWNER, SECRET, now=expires_at, ttl_seconds=0)
    app = build(settings, clock=lambda: expires_at + LEEWAY_SECONDS - 0.02)
    sock = socket.create_server(("127.0.0.1", 0))
    http = protocol_of(settings)
    server = QuietServer(uvicorn.Config(app, lifespan="off", log_config=None, http=http, ws="none"))
    async with app.router.lifespan_context(app):
        await until(app.state.ready, lambda checks: set(checks.values()) == {"ok"})
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        yield f"http://127.0.0.1:{sock.getsockname()[1]}", token
        server.should_exit = server.force_exit = True
        await serving
    sock.close()


@pytest.mark.slow
@pytest.mark.parametrize("who", ["nobody", "owner"])
async def test_the_stream_does_what_its_document_says(
    with_short_streams: tuple[str, str], who: str
) -> None:
    url, token = with_short_streams
    address = f"{url}/api/notify/openapi.json"
    options = ["--max-examples", str(EXAMPLES), "--include-path", STREAM]
    shown = None if who == "nobody" else token
    status, said = await asyncio.to_thread(fuzz, address, *options, token=shown, ids=[])
    assert status == 0, said
