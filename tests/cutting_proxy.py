"""A TCP proxy on loopback that loses answers: what the client asks is done, what the server says
to it never arrives. Not for the product."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self


class CuttingProxy:
    """Forwards to `port`; breaks a connection off when the server answers what has `words` in it.

    Args:
        times: so often; it is faithful afterwards.
    """

    def __init__(self, port: int, words: bytes, *, times: int) -> None:
        self._target, self._words = port, words
        self.left = times
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
        cut = asyncio.Event()

        async def asking() -> None:
            while chunk := await reader.read(65_536):
                if self._words in chunk and self.left > 0:
                    self.left -= 1
                    cut.set()
                far_writer.write(chunk)
                await far_writer.drain()
            with suppress(OSError):
                far_writer.write_eof()

        async def answering() -> None:
            while chunk := await far_reader.read(65_536):
                if cut.is_set():
                    writer.transport.abort()
                    raise ConnectionResetError
                writer.write(chunk)
                await writer.drain()
            writer.transport.abort()

        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(asking())
                both.create_task(answering())
        except* (OSError, EOFError):
            pass
        finally:
            for end in (writer, far_writer):
                end.close()
