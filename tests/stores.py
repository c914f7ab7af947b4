"""The read models' stores, every kind of them, for the tests that hold them to one another."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from databases import Databases
from histories import LOG_ID
from milepost_notify.memory import MemoryStore
from milepost_notify.sql import SqlProjectionStore
from milepost_notify.sql_reads import SqlReadStore
from milepost_notify.sql_replay import SqlReplayStore
from milepost_notify.store import ProjectionStore, ReadStore, ReplayStore
from milepost_notify.tables import SCHEMA
from milepost_service.database import Database


@dataclass(frozen=True)
class Stores:
    """All sides of one store."""

    writing: ProjectionStore
    replaying: ReplayStore
    reading: ReadStore
    url: str = ""


@asynccontextmanager
async def in_memory() -> AsyncGenerator[Stores]:
    """An empty store in memory."""
    store = MemoryStore()
    yield Stores(store, store, store)


@asynccontextmanager
async def in_sql(databases: Databases) -> AsyncGenerator[Stores]:
    """An empty store in a database of its own."""
    url = databases.take()
    writing, replaying = SqlProjectionStore(url), SqlReplayStore(url)
    database = Database.open(url, SCHEMA.name)
    try:
        yield Stores(writing, replaying, SqlReadStore(database, 1), url)
    finally:
        await writing.close()
        await replaying.close()
        await database.close()
        databases.give_back()


Make = Callable[[], AbstractAsyncContextManager[Stores]]


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Where the store is; a module may know more kinds."""
    return request.param


@pytest.fixture
def make(kind: str, request: pytest.FixtureRequest) -> Make:
    """Make empty stores of one kind."""
    if kind == "memory":
        return in_memory
    databases: Databases = request.getfixturevalue(f"{kind}_databases")
    return lambda: in_sql(databases)


@pytest.fixture
async def stores(make: Make) -> AsyncGenerator[Stores]:
    """An empty store whose partition 0 has been begun."""
    async with make() as stores:
        await stores.writing.begin(0, LOG_ID)
        yield stores
