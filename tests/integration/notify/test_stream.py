"""Server-sent events: the same rows and cursors as the poll, on a real socket."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from histories import created
from milepost import events as e
from milepost.cursors import Cursor
from milepost_notify.places import Places
from milepost_notify.routers import event_stream
from milepost_notify.routers import stream as stream_module
from milepost_notify.rows import TASK_PROGRESS, UNREAD_MESSAGE_COUNT
from milepost_service.http_protocol import HttpProtocol
from notify_surroundings import API, Person, Scribe, served, task_id
from waiting import until


@dataclass
class Stream:
    """Events of one open stream."""

    lines: Any

    async def event(self) -> dict[str, str]:
        """The next event or comment, as its fields."""
        found = dict[str, str]()
        async with asyncio.timeout(10):
            async for line in self.lines:
                if not line:
                    return found
                name, _, value = line.partition(":")
                found[name or "comment"] = value.strip()
        return found

    async def rows(self, count: int) -> list[dict[str, Any]]:
        """So many rows, as elements of `notifications`."""
        rows = list[dict[str, Any]]()
        while len(rows) < count:
            event = await self.event()
            if "id" in event:
                row = json.loads(event["data"])
                assert (row["id"], row["name"]) == (event["id"], event["event"])
                rows.append(row)
        return rows


@pytest.fixture
async def client(app: FastAPI) -> AsyncGenerator[httpx.AsyncClient]:
    async with served(app) as client:
        yield client


@asynccontextmanager
async def opened(
    client: httpx.AsyncClient, person: Person, last: str | None = None, **query: Any
) -> AsyncGenerator[Stream]:
    headers = person.headers | ({} if last is None else {"Last-Event-ID": last})
    path = f"{API}/notifications/stream"
    async with client.stream("GET", path, params=query, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield Stream(answer.aiter_lines())


async def run(log: Scribe, title: str, owner: str = "bob") -> Cursor:
    task = task_id()
    await log.tell(created(title), task, owner)
    await log.tell(e.TaskStarted(worker="w"), task, owner, attempt=1)
    return await log.tell(e.TaskSucceeded(), task, owner, attempt=1)


async def test_a_stream_begins_with_the_state_and_goes_on_with_what_happens(
    client: httpx.AsyncClient, log: Scribe, bob: Person
):
    await bob.seen(await run(log, "one"))
    async with opened(client, bob) as stream:
        rows = await stream.rows(2)
        assert rows == (await bob.poll())["notifications"]
        await run(log, "not yours", "bobby")
        await run(log, "two")
        rows = await stream.rows(2)
        while rows[-1]["name"] != UNREAD_MESSAGE_COUNT:
            rows += await stream.rows(1)
        assert {row["data"]["title"] for row in rows if row["name"] == TASK_PROGRESS} == {"two"}
        assert rows[-1]["data"] == 2


async def test_a_stream_resumes_behind_the_last_event_it_gave(
    client: httpx.AsyncClient, log: Scribe, bob: Person
):
    await bob.seen(await run(log, "one"))
    async with opened(client, bob) as stream:
        last = (await stream.rows(2))[0]["id"]
    await bob.seen(await run(log, "two"))
    for query in ({"last": last}, {"since": last}, {"last": last, "since": "ignored"}):
        if query.get("since") == "ignored":
            query["since"] = (await bob.poll())["cursor"]
        async with opened(client, bob, **query) as stream:
            rows = await stream.rows(2)
        assert [row["name"] for row in rows] == [TASK_PROGRESS, UNREAD_MESSAGE_COUNT]
        assert rows[0]["data"]["title"] == "two"


async def test_poll_and_stream_share_their_cursors(
    client: httpx.AsyncClient, log: Scribe, bob: Person
):
    cursor = (await bob.poll())["cursor"]
    async with opened(client, bob, since=cursor) as stream:
        await run(log, "one")
        row = (await stream.rows(1))[0]
    rows, _ = await bob.follow(row["id"])
    assert all(each["id"] != row["id"] for each in rows)
    await bob.seen(await run(log, "two"))
    rows, _ = await bob.follow(row["id"])
    assert "two" in [each["data"]["title"] for each in rows if each["name"] == TASK_PROGRESS]


async def test_a_cursor_that_means_nothing_any_more_is_told_before_the_state(
    client: httpx.AsyncClient, log: Scribe, bob: Person
):
    await bob.seen(await run(log, "one"))
    good = Cursor.parse((await bob.poll())["cursor"])
    foreign = Cursor(good.partition, b"none", good.era, good.id, good.ordinal)
    async with opened(client, bob, last=str(foreign)) as stream:
        assert (await stream.event())["event"] == "gap"
        assert len(await stream.rows(2)) == 2


async def test_a_stream_says_when_the_credentials_have_expired_and_ends(
    client: httpx.AsyncClient, bob: Person, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stream_module, "LEEWAY_SECONDS", 0)
    bob.claims["ttl_seconds"] = 1
    async with opened(client, bob) as stream:
        event = await stream.event()
        while "comment" in event:
            event = await stream.event()
        assert event["event"] == "expired"
        assert await stream.event() == {}


async def test_an_idle_stream_gives_a_sign_of_life(
    client: httpx.AsyncClient, bob: Person, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.1)
    began = time.monotonic()
    async with opened(client, bob) as stream:
        for _ in range(3):
            assert "comment" in await stream.event()
    assert time.monotonic() - began < 10


async def test_a_reader_that_does_not_read_is_dropped_and_resumes_by_its_cursor(
    app: FastAPI, log: Scribe, bob: Person, monkeypatch: pytest.MonkeyPatch
):
    app.state.settings = app.state.settings.model_copy(update={"stall_seconds": 0.3})
    kept = list[int]()
    pause = HttpProtocol.pause_writing

    def pausing(self: HttpProtocol) -> None:
        kept.append(self.transport.get_write_buffer_size())
        pause(self)

    monkeypatch.setattr(HttpProtocol, "pause_writing", pausing)
    text = "x" * 60_000  # the kernel takes some megabytes by itself
    for number in range(300):
        await log.tell(created(f"{number}", params={}, tags=[text]), task_id())
    await bob.seen(await log.tell(created("last"), task_id()))
    places: Places = app.state.parts.places

    async def taken() -> int:
        return places.taken("bob")

    async with served(app) as client:
        loop, got = asyncio.get_running_loop(), b""
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.setblocking(False)
            await loop.sock_connect(sock, (client.base_url.host, client.base_url.port))
            head = f"GET {API}/notifications/stream HTTP/1.1\r\nHost: x\r\n"
            token = bob.headers["Authorization"]
            await loop.sock_sendall(sock, f"{head}Authorization: {token}\r\n\r\n".encode())
            await until(taken, lambda count: count == 1)
            await until(taken, lambda count: count == 0)
            with contextlib.suppress(ConnectionError):
                while chunk := await loop.sock_recv(sock, 1 << 20):
                    got += chunk
        seen = [line.removeprefix(b"id: ") for line in got.split(b"\n") if line.startswith(b"id: ")]
        assert 0 < len(seen) < 301
        assert 0 < max(kept) < 256 * 1024
        last = seen[-2].decode()  # the last may be cut off
        async with opened(client, bob, last=last) as stream:
            rows = await stream.rows(301 - len(seen) + 1)
        assert rows[-1]["data"]["title"] == "last"


async def test_a_bad_last_event_id_is_422(client: httpx.AsyncClient, bob: Person):
    answer = await client.get(
        f"{API}/notifications/stream", headers={**bob.headers, "Last-Event-ID": "x"}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["header", "Last-Event-ID"]
