"""Submit as a running application: real Valkey, SQLite in a folder of the test, a clock by hand."""

from collections.abc import AsyncGenerator, Generator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from milepost import tokens
from milepost.settings import Settings
from milepost_log import catalogue
from milepost_log.servers import Servers, open_servers
from milepost_submit.archive import Archive
from milepost_submit.main import build
from submit_surroundings import (
    BULK,
    FREE,
    MAIL,
    ORIGIN,
    PARTITIONS,
    PRIVATE,
    SECRET,
    Bearer,
    Clock,
    Log,
    Notify,
)
from valkey_cluster import administrator
from waiting import until

TYPES = (MAIL, FREE, PRIVATE, BULK)


@pytest.fixture
def valkey(valkey_url: str) -> Generator[Any]:
    """Redis as redis-py shows it to who may do everything."""
    with administrator(valkey_url) as client:
        yield client


@pytest.fixture
def servers(valkey_url: str) -> Generator[Servers]:
    with open_servers(valkey_url) as found:
        yield found


@pytest.fixture
def log(valkey: Any, namespace: str) -> Log:
    return Log(valkey, namespace)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def notify() -> Notify:
    return Notify()


@pytest.fixture
def settings(valkey_url: str, namespace: str, database_url: str) -> Settings:
    return Settings.load(
        redis_url=valkey_url,
        namespace=namespace,
        partitions=PARTITIONS,
        durability="memory",
        database_url=database_url,
        secret=SECRET,
        signup="open",
        max_live_tasks=50,
    )


@pytest.fixture
async def app(
    settings: Settings, clock: Clock, notify: Notify, servers: Servers
) -> AsyncGenerator[FastAPI]:
    types = [kind.model_copy(update={"announced_at": clock.now}) for kind in TYPES]
    catalogue.announce(servers, settings.namespace, types)
    archive = Archive("http://notify.test", httpx.MockTransport(notify))
    app = build(settings, clock=clock, archive=archive)
    async with app.router.lifespan_context(app):
        await until(app.state.ready, lambda checks: checks["redis"] == "ok")
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncGenerator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


@pytest.fixture
def bearer(clock: Clock) -> Bearer:
    """Make the Authorization header of an owner."""

    def make(owner: str, **claims: Any) -> dict[str, str]:
        token = tokens.mint(owner, SECRET, now=clock.now, **claims)
        return {"Authorization": f"Bearer {token}"}

    return make
