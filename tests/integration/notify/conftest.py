"""Notify as a running application: real Valkey, SQLite in a folder of the test, one partition."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from milepost.settings import Settings
from milepost_notify.main import build
from notify_surroundings import BASE, Person, Scribe, log, settings
from surroundings import start_worker
from waiting import until

__all__ = ["log", "settings", "start_worker"]

As = Callable[..., Person]


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
