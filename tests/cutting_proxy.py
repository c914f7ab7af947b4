"""A TCP proxy on loopback that loses answers: what the client asks is done, what the server says
to it never arrives. Not for the product."""

import asyncio
from contextlib import suppress

from loopback_proxy import End, LoopbackProxy


class CuttingProxy(LoopbackProxy):
    """Forwards to `port`; breaks a connection off when the server answers what has `words` in it.

    Args:
        times: so often; it is faithful afterwards.
    """

    def __init__(self, port: int, words: bytes, *, times: int) -> None:
        super().__init__(port)
        self._words = words
        self.left = times

    async def _forward(self, near: End, far: End) -> None:
        (reader, writer), (far_reader, far_writer) = near, far
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

        async with asyncio.TaskGroup() as both:
            both.create_task(asking())
            both.create_task(answering())
