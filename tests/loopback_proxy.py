"""A TCP proxy on loopback, to be made to misbehave. Not for the product."""

import asyncio
from types import TracebackType
from typing import Self


class LoopbackProxy:
    """Listens on a free port and forwards to `target`; what passes is the subclass' affair."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Where to connect to."""
        assert self._server is not None
        return self._server.sockets[0].getsockname()[1]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        try:
            await self._forward((reader, writer), (far_reader, far_writer))
        except* (OSError, EOFError):
            pass
        finally:
            for end in (writer, far_writer):
                end.close()

    async def _forward(self, near: "End", far: "End") -> None:
        """Pass on what comes in at either end, until one of them has ended."""
        raise NotImplementedError


End = tuple[asyncio.StreamReader, asyncio.StreamWriter]
