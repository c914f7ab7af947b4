"""Owns a light HTTP/1.1 client for benchmarks: httpx would cost more than what is measured."""

import asyncio
import json
import time
import urllib.request
from collections.abc import AsyncGenerator
from typing import Any

from benches.stage.milepost import SECRET
from benches.stage.processes import until
from milepost import tokens

ANSWER_SECONDS = 40.0
"""Longer than any long poll."""
MOST_BYTES = 16 * 1024 * 1024


def bearer(owner: str) -> str:
    """The header that proves an owner."""
    token = tokens.mint(owner, SECRET, now=time.time(), ttl_seconds=3600)
    return f"Authorization: Bearer {token}\r\n"


def request(method: str, path: str, headers: str = "", body: bytes = b"") -> bytes:
    """A whole request as bytes."""
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: bench\r\n{headers}{length}\r\n".encode() + body


def answers(port: int, path: str, seconds: float = 60.0) -> None:
    """Wait for a good answer of a server that is being started."""

    def is_good() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                return True
        except OSError:  # an answer from 400 on is one too
            return False

    until(is_good, f"{path} on {port}", seconds, pause=0.05)


class Connection:
    """One connection that is kept alive; `async with`."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> "Connection":
        opening = asyncio.open_connection("127.0.0.1", self._port, limit=MOST_BYTES)
        self._reader, self._writer = await asyncio.wait_for(opening, ANSWER_SECONDS)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def get(self, path: str, headers: str) -> Any:
        """The JSON of a good answer."""
        return await self._answer("GET", path, headers)

    async def post(self, path: str, headers: str, body: object = None) -> Any:
        """The JSON of a good answer; null where it has none."""
        return await self._answer("POST", path, headers, b"" if body is None else _json(body))

    async def events(self, path: str, headers: str) -> AsyncGenerator[Any]:
        """The data of server-sent events, as they come."""
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._ask("GET", path, headers)
        while True:
            async with asyncio.timeout(ANSWER_SECONDS):
                line = await self._reader.readline()
            if not line:
                raise ConnectionError("the stream has ended")
            if line.startswith(b"data: "):
                yield json.loads(line[6:])

    async def _answer(self, method: str, path: str, headers: str, body: bytes = b"") -> Any:
        async with asyncio.timeout(ANSWER_SECONDS):
            head = await self._ask(method, path, headers, body)
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            return json.loads(await self._reader.readexactly(length)) if length else None

    async def _ask(self, method: str, path: str, headers: str, body: bytes = b"") -> bytes:
        """The head of a good answer, in lower case."""
        self._writer.write(request(method, path, headers, body))
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        if head.split(b" ", 2)[1][:1] != b"2":
            raise ConnectionError(head.decode())
        return head


def _json(body: object) -> bytes:
    return json.dumps(body).encode()
