"""Notify as a running application: real Valkey, SQLite in a folder of the test, one partition."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from milepost.settings import Settings
from milepost_log.servers import open_servers_async
from milepost_notify.main import build
from notify_surroundings import BASE, SECRET, Person, Scribe, until
from surroundings import start_worker

__all__ = ["start_worker"]

As = Callable[..., Person]


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


@pytest.fixture
async def app(settings: Settings, log: Scribe) -> AsyncGenerator[FastAPI]:
    """Notify with its projector, ready."""
    app = build(settings)
    async with app.router.lifespan_context(app):
        await until(app.state.ready, lambda checks: set(checks.values()) == {"ok"})
        yield app


@pytest.fixture
async def http(app: FastAPI) -> AsyncGenerator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


@pytest.fixture
def person(http: httpx.AsyncClient) -> As:
    """Make somebody who asks; keywords are for his token."""

    def make(owner: str = "bob", **claims: Any) -> Person:
        return Person(http, owner, claims)

    return make


@pytest.fixture
def bob(person: As) -> Person:
    return person("bob")
