"""A reverse proxy for tests: one origin over several processes, a request a connection."""

import asyncio
import random
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

MAX_HEAD_BYTES = 64 * 1024
AWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: application/problem+json\r\n"
    b"content-length: 14\r\nconnection: close\r\n\r\n{\"status\":502}"
)  # fmt: skip
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)


class FrontProxy:
    """Passes each request on to a process that serves its path: one that takes connections."""

    def __init__(self, ports: Mapping[str, Sequence[int]], dice: random.Random) -> None:
        """`ports`: those of the processes by what a path begins with, the longest first."""
        self._ports, self._dice = ports, dice
        self._server: asyncio.Server | None = None
        self._serving = set[asyncio.Task[None]]()

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=MAX_HEAD_BYTES)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for each in list(self._serving):
            each.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            await self._pass_on(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # one of both has gone
        finally:
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1])) if length else b""
        path = head.split(b" ", 2)[1].decode()
        far = await self._connected(path)
        if far is None:
            writer.write(AWAY)
            await writer.drain()
            return
        far_reader, far_writer = far
        try:
            head = _CONNECTION.sub(b"", head)[:-2] + b"connection: close\r\n\r\n"
            far_writer.write(head + body)
            answering = asyncio.ensure_future(_pump(far_reader, writer))
            leaving = asyncio.ensure_future(reader.read(1))
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
            for each in (answering, leaving):
                each.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)
        finally:
            far_writer.close()

    async def _connected(
        self, path: str
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """To one that serves the path; null where none takes connections."""
        ports = next(ports for prefix, ports in self._ports.items() if path.startswith(prefix))
        for port in self._dice.sample(list(ports), len(ports)):
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65_536):
        writer.write(chunk)
        await writer.drain()
