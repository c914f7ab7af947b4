"""What tests of notify stand it among: a log to write to, projectors, clients, waiting."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from histories import LOG_ID
from milepost import tokens
from milepost.codec import encode, usual_actor
from milepost.cursors import ZERO, Cursor, StreamId, log_prefix
from milepost.events import Event, Payload
from milepost.ids import uuid7
from milepost.keys import PartitionKeys
from milepost.owners import partition_of
from milepost.settings import Settings
from milepost_log.reader import LogReader
from milepost_log.servers import AsyncServers, open_servers_async
from milepost_notify.projecting import DAY_MS
from milepost_notify.projector import Ports, Projection
from milepost_notify.redis_wakeups import announce
from milepost_notify.store import ProjectionStore
from milepost_notify.supervisor import Supervised
from milepost_service.http_protocol import protocol_of
from milepost_service.running import running

SECRET = "a-secret-for-tests-that-has-forty-letters"
BASE = "http://milepost.test"
API = "/api/notify"


def task_id(number: int = 0) -> str:
    """A task id; the same for the same number, another each time without."""
    return uuid7(number, bytes(10)) if number else uuid7(int(time.time() * 1000), uuid4().bytes[6:])


@dataclass
class Scribe:
    """Writes the log as the scripts would, event by event."""

    client: AsyncServers
    settings: Settings

    def keys(self, owner: str) -> PartitionKeys:
        number = partition_of(owner, self.settings.partitions)
        return PartitionKeys(self.settings.namespace, number)

    async def name_logs(self, log_id: str = LOG_ID) -> None:
        """Make the logs, as submit does when it starts."""
        for number in range(self.settings.partitions):
            meta = PartitionKeys(self.settings.namespace, number).meta
            await self._do(meta, "HSET", meta, "log_id", log_id)

    async def tell(
        self, payload: Payload, task: str, owner: str = "bob", *, attempt: int = 0, id: str = "*",
        at: int | None = None,
    ) -> Cursor:  # fmt: skip
        """Append an event; its revision."""
        by = usual_actor(payload.type, owner, task)
        event = Event(0, ZERO, task, owner, by, at or 0, attempt, None, payload)
        return await self.raw(owner, encode(event), id=id)

    async def raw(self, owner: str, fields: Mapping[Any, Any], *, id: str = "*") -> Cursor:
        """Append an entry of any form to the owner's log."""
        keys = self.keys(owner)
        flat = [part for pair in fields.items() for part in pair]
        found = StreamId.parse(await self._do(keys.log, "XADD", keys.log, id, *flat))
        return Cursor(keys.partition, log_prefix(LOG_ID), 0, found, 0)

    async def entries(self, key: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """Everything in a stream."""
        return await self._do(key, "XRANGE", key, "-", "+")

    async def delete(self, *names: str) -> None:
        """Lose data."""
        for name in names:
            await self._do(name, "DEL", name)

    async def restore(
        self,
        owner: str,
        entries: Sequence[tuple[bytes, Mapping[bytes, bytes]]],
        log_id: str = LOG_ID,
    ) -> None:
        """Put a copy of the owner's log in the place of what is there, in one step."""
        keys = self.keys(owner)
        async with self.client.at(keys.log) as client:
            pipe: Any = client.pipeline(transaction=True)  # pyright: ignore[reportUnknownMemberType]  # untyped
            pipe.delete(keys.log)
            pipe.hset(keys.meta, "log_id", log_id)
            for entry, fields in entries:
                pipe.xadd(keys.log, fields, id=entry)
            await pipe.execute()

    async def _do(self, key: str, *command: Any) -> Any:
        async with self.client.at(key) as client:
            return await client.execute_command(*command)  # pyright: ignore  # untyped


@dataclass
class Person:
    """An owner's requests to notify."""

    http: httpx.AsyncClient
    owner: str = "bob"
    claims: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def headers(self) -> dict[str, str]:
        token = tokens.mint(self.owner, SECRET, now=time.time(), **self.claims)
        return {"Authorization": f"Bearer {token}"}

    async def get(self, path: str, **query: Any) -> httpx.Response:
        """Ask; the answer as it is."""
        return await self.http.get(f"{API}{path}", params=query, headers=self.headers, timeout=40)

    async def read(self, path: str, **query: Any) -> dict[str, Any]:
        """Ask; the body of an answer that has to be good."""
        answer = await self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return cast(dict[str, Any], answer.json())

    async def poll(self, since: str | None = None, **query: Any) -> dict[str, Any]:
        """Ask for notifications."""
        if since is not None:
            query["since"] = since
        return await self.read("/notifications", **query)

    async def follow(self, since: str | None = None, **query: Any) -> tuple[list[Any], str]:
        """Everything there is behind a cursor, page after page; and the last cursor."""
        rows = list[Any]()
        while True:
            answer = await self.poll(since, **query)
            rows += answer["notifications"]
            since = cast(str, answer["cursor"])
            if not answer["notifications"]:
                return rows, since

    async def seen(self, revision: Cursor) -> None:
        """Wait until what a revision names has been projected."""
        async with asyncio.timeout(10):
            while True:
                answer = await self.get(f"/tasks/{task_id(1)}", at_least=str(revision))
                if answer.status_code == 404:
                    return
                assert answer.status_code in (200, 503), answer.text
                if answer.status_code == 200:
                    return


@asynccontextmanager
async def projecting(settings: Settings, store: ProjectionStore) -> AsyncGenerator[Supervised]:
    """Project partition 0 into `store` until the end of the block."""
    async with AsyncExitStack() as stack:
        reading, writing = (open_servers_async(settings.redis_url) for _ in range(2))
        stack.push_async_callback(reading.aclose)
        stack.push_async_callback(writing.aclose)
        ports = Ports(
            store=store,
            reader=LogReader(reading, settings.namespace, 0),
            writer=LogReader(writing, settings.namespace, 0),
            announce=partial(announce, writing, settings.namespace, 0),
            monotonic=time.monotonic,
            dead_letter=lambda position, reason: None,
            keep_ms=int(settings.log_keep * 1000),
            history_ms=int(settings.history_days * DAY_MS),
        )
        supervised = Supervised(0, partial(Projection, 0, ports))
        await stack.enter_async_context(running(supervised.run()))
        yield supervised


def lines(caplog: Any, level: int = logging.WARNING) -> list[str]:
    """Log lines of ours from a level on."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= level and record.name.startswith("milepost")
    ]


class QuietServer(uvicorn.Server):
    """A server inside the test's own loop, which leaves signals alone."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def served(app: FastAPI) -> AsyncGenerator[httpx.AsyncClient]:
    """Serve a running application on a real socket; a client of it."""
    http = protocol_of(app.state.settings)
    config = uvicorn.Config(app, lifespan="off", log_config=None, http=http, ws="none")
    server = QuietServer(config)
    sock = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    base = f"http://127.0.0.1:{sock.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=base, timeout=30) as client:
        yield client
    server.should_exit = server.force_exit = True
    await serving
    sock.close()


@pytest.fixture
def settings(valkey_url: str, namespace: str, database_url: str) -> Settings:
    return Settings.load(
        redis_url=valkey_url,
        namespace=namespace,
        partitions=1,
        durability="memory",
        database_url=database_url,
        secret=SECRET,
    )


@pytest.fixture
async def log(settings: Settings) -> AsyncGenerator[Scribe]:
    """The log, which has a name already."""
    client = open_servers_async(settings.redis_url)
    scribe = Scribe(client, settings)
    await scribe.name_logs()
    yield scribe
    await client.aclose()
