"""Owns how a measurement's people follow what is told of their tasks: the three ways there are."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from benches.stage.http_client import Connection, bearer

NOTIFICATIONS = "/api/notify/notifications"
ASK_SECONDS = 0.3
WAIT_SECONDS = 25


async def stream(port: int, owner: str) -> AsyncGenerator[Any]:
    """What an owner's stream says."""
    async with Connection(port) as connection:
        async for event in connection.events(f"{NOTIFICATIONS}/stream", bearer(owner)):
            if "data" in event:
                yield event


def poll(port: int, owner: str) -> AsyncGenerator[Any]:
    """What an owner's long polls answer."""
    return _pages(port, owner, f"wait={WAIT_SECONDS}&", 0)


def ask(port: int, owner: str) -> AsyncGenerator[Any]:
    """What an owner finds who asks again and again."""
    return _pages(port, owner, "", ASK_SECONDS)


async def _pages(port: int, owner: str, query: str, pause: float) -> AsyncGenerator[Any]:
    header, since = bearer(owner), ""
    async with Connection(port) as connection:
        while True:
            page = await connection.get(f"{NOTIFICATIONS}?{query}since={since}", header)
            since = page["cursor"]
            for notification in page["notifications"]:
                yield notification
            await asyncio.sleep(pause)
