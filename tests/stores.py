"""The read models' stores, every kind of them, for the tests that hold them to one another."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from databases import Databases
from histories import LOG_ID
from milepost_notify.memory import MemoryStore
from milepost_notify.sql import SqlProjectionStore
from milepost_notify.sql_reads import SqlReadStore
from milepost_notify.sql_replay import SqlReplayStore
from milepost_notify.store import ProjectionStore, ReadStore, ReplayStore


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
    reading = SqlReadStore(url, 1)
    try:
        yield Stores(writing, replaying, reading, url)
    finally:
        await writing.close()
        await replaying.close()
        await reading.close()
        databases.give_back()


@asynccontextmanager
async def looking(reads: ReadStore) -> AsyncGenerator[Any]:
    """Ask a store one thing at a time, each in a snapshot of its own: `await look.task(...)`."""
    yield _Looking(reads)


class _Looking:
    def __init__(self, reads: ReadStore) -> None:
        self._reads = reads

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments, **named: self._reads.read(
            lambda snapshot: getattr(snapshot, name)(*arguments, **named)
        )


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
