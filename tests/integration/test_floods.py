"""Floods against a whole deployment: thousands who dawdle, bodies without end, bombs. Others are
answered meanwhile, and memory stays bounded (measured)."""

import asyncio
import gzip
import re
import resource
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from milepost import tokens
from notify_surroundings import SECRET
from up_process import Up

CONNECTIONS = 10_000
AT_A_TIME = 200
AT_ONCE = 10
HEAD_SECONDS = 5
MOST_SECONDS_FOR_OTHERS = 10.0
"""Seconds where milliseconds are usual: the flood comes from the same two cores."""
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def files() -> Generator[None]:
    """One end of every connection is this process'."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < CONNECTIONS + 500:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(CONNECTIONS + 500, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Generator[Up]:
    folder = tmp_path_factory.mktemp("flooded")
    running = Up(folder, secret=SECRET, head_seconds=str(HEAD_SECONDS)).until_ready()
    yield running
    running.close()


def headers() -> dict[str, str]:
    token = tokens.mint("bob", SECRET, now=time.time())
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def resident(up: Up) -> tuple[int, int]:
    """What the web process has in memory now and had at most, in bytes."""
    status = Path(f"/proc/{up.children()['web']}/status").read_text()
    now, most = (
        int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) * 1024 for name in ("VmRSS", "VmHWM")
    )
    return now, most


def forget_peak(up: Up) -> None:
    """Let the peak begin anew."""
    Path(f"/proc/{up.children()['web']}/clear_refs").write_text("5")


@asynccontextmanager
async def others_are_answered(up: Up, *, grows_by: int) -> AsyncGenerator[None]:
    """Somebody else polls and submits until the end of the block, and is answered each time; the
    process grows by so much at most."""
    before, _ = resident(up)
    forget_peak(up)
    seconds, done = list[float](), asyncio.Event()

    async def ask(client: httpx.AsyncClient) -> None:
        body = {"type": "demo.steps", "params": {"steps": 1, "seconds": 0}}
        while not done.is_set():
            began = time.monotonic()
            polled = await client.get("/api/notify/notifications")
            accepted = await client.post("/api/submit/tasks", json=body)
            assert (polled.status_code, accepted.status_code) == (200, 201), accepted.text
            seconds.append((time.monotonic() - began) / 2)
            await asyncio.sleep(0.05)

    limit = MOST_SECONDS_FOR_OTHERS
    async with httpx.AsyncClient(base_url=up.url, headers=headers(), timeout=limit) as client:
        asking = asyncio.create_task(ask(client))
        try:
            yield
        finally:
            done.set()
            await asking
    _, most = resident(up)
    print(
        f"{len(seconds)} answers, the slowest {max(seconds):.2f} s, {(most - before) / MIB:.0f} MiB"
    )
    assert most - before < grows_by, f"{(most - before) / MIB:.0f} MiB more"


class Dawdler(asyncio.Protocol):
    """Sends a byte a second, for as long as it is let."""

    open_now = 0

    def __init__(self) -> None:
        self.told = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        Dawdler.open_now += 1
        transport.write(b"GET /api/notify/notifications?since=")

    def data_received(self, data: bytes) -> None:
        self.told += data[: 1000 - len(self.told)]

    def connection_lost(self, exc: Exception | None) -> None:
        Dawdler.open_now -= 1


@pytest.mark.slow
async def test_thousands_who_send_a_byte_a_second_cost_nobody_else(up: Up) -> None:
    loop, url = asyncio.get_running_loop(), httpx.URL(up.url)
    dawdlers = list[Dawdler]()

    async def come() -> None:
        _, dawdler = await loop.create_connection(Dawdler, url.host, url.port or 0)
        dawdlers.append(dawdler)

    async with others_are_answered(up, grows_by=250 * MIB):
        for _ in range(CONNECTIONS // AT_A_TIME):
            await asyncio.gather(*(come() for _ in range(AT_A_TIME)))
        came_at = time.monotonic()
        while Dawdler.open_now and time.monotonic() < came_at + HEAD_SECONDS + 30:
            for dawdler in dawdlers:
                if not dawdler.transport.is_closing():
                    dawdler.transport.write(b"x")
            await asyncio.sleep(1)
    assert Dawdler.open_now == 0, "some are still there"
    told = [each.told.startswith(b"HTTP/1.1 408 ") for each in dawdlers]
    assert told.count(True) > CONNECTIONS / 2


async def endless(size: int, chunk: bytes) -> AsyncIterator[bytes]:
    for _ in range(size // len(chunk)):
        yield chunk


@pytest.mark.slow
@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
async def test_gigabytes_of_bodies_are_not_kept(up: Up, method: str, declared: bool) -> None:
    size = 1024 * MIB
    said = headers() | ({"Content-Length": str(size)} if declared else {})
    path = "/api/submit/tasks" if method == "POST" else "/api/notify/tasks"

    async def send() -> int:
        async with httpx.AsyncClient(base_url=up.url, timeout=60) as client:
            content = endless(size, b" " * MIB)
            try:
                return (
                    await client.request(method, path, content=content, headers=said)
                ).status_code
            except httpx.TransportError:  # it went on, until the connection was ended
                return 0

    async with others_are_answered(up, grows_by=64 * MIB):
        found = await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    assert set(found) <= {0, 413 if method == "POST" else 200}


@pytest.mark.slow
async def test_bombs_do_not_go_off(up: Up) -> None:
    zeros = gzip.compress(b"0" * 50 * MIB)
    deep = b"[" * 100_000 + b"]" * 100_000
    named = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    paths = ("/api/submit/tasks", "/api/submit/tasks/batch", "/api/submit/session")
    async with (
        others_are_answered(up, grows_by=64 * MIB),
        httpx.AsyncClient(base_url=up.url, timeout=60) as client,
    ):
        for path in paths * AT_ONCE:
            said = headers() | {"Content-Encoding": "gzip"}
            bomb = await client.post(path, content=zeros, headers=said)
            assert bomb.status_code in (413, 415)
            for body in (deep, named):
                answer = await client.post(path, content=body, headers=headers())
                assert answer.status_code in (400, 413), answer.text
                assert answer.headers["content-type"] == "application/problem+json"
