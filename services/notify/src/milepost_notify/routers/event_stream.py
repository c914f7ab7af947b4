"""Owns one open stream of server-sent events: its place, what it sends and when it ends.

Thousands are open in one process, most of them idle, so that each is little more than a coroutine
that waits. What it sends is bounded: a page at a time, in parts, each of which waits until the
client has read most of the last. Who does not read is dropped by the server (`serve`), and comes
again with the last id it has seen.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator

from fastapi import Response
from pydantic_core import to_json
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from milepost_notify.delivery import NotProjected, Page
from milepost_notify.following import Following
from milepost_notify.routers.asked import place_of
from milepost_notify.routers.presence import while_present
from milepost_notify.store import StoreUnavailable
from milepost_service.revocations import CredentialRevoked

HEARTBEAT_SECONDS = 15.0
PART_BYTES = 32 * 1024
EXPIRED = b"event: expired\ndata: {}\n\n"


class EventStream(Response):
    """The pages behind `first`, one after another, while the credentials are good."""

    media_type = "text/event-stream"

    def __init__(self, following: Following, first: Page, good_for_seconds: float) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._following = following
        self._first: Page | None = first
        self._good_for_seconds = good_for_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send, until the client leaves, the credentials expire or this process stops.

        Raises:
            HttpProblem: 429, before anything is sent: the owner has no place left.
        """
        with place_of(self._following):
            try:
                async with while_present(receive):
                    await self._send_all(send)
            except ClientDisconnect:
                return

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async with self._following.while_good():
                async for part in self._parts():
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        except CredentialRevoked:
            await send({"type": "http.response.body", "body": EXPIRED, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _parts(self) -> AsyncGenerator[bytes]:
        now = asyncio.get_running_loop().time
        ends_at = now() + self._good_for_seconds
        page, self._first = self._first, None
        while page is not None:
            for part in parts_of_page(page):
                yield part
            left = ends_at - now()
            if left <= 0:
                yield EXPIRED
                return
            page = await self._next(page, left)

    async def _next(self, page: Page, left: float) -> Page | None:
        """The next page; null where the client has to come again, to whoever takes over."""
        if self._following.is_closing:
            return None
        wait_seconds = 0 if page.more else min(HEARTBEAT_SECONDS, left)
        try:
            return await self._following.next_page(page.cursor, wait_seconds)
        except (StoreUnavailable, NotProjected):
            return None


def parts_of_page(page: Page) -> Iterator[bytes]:
    """A page as events, in parts of about 32 KiB; a comment where there is nothing in it."""
    part = bytearray(b"event: gap\ndata: {}\n\n" if page.gap else b"")
    for row in page.notifications:
        data = to_json(row, inf_nan_mode="null")
        part += f"id: {row['id']}\nevent: {row['name']}\ndata: ".encode() + data + b"\n\n"
        if len(part) >= PART_BYTES:
            yield bytes(part)
            part.clear()
    if part or not (page.notifications or page.gap):
        yield bytes(part) or b": nothing new\n\n"
