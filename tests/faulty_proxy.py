"""A TCP proxy on loopback that misbehaves on command: delays, stalls, resets, half-closes."""

import asyncio
import random
import socket
import struct
from contextlib import suppress
from types import TracebackType
from typing import Self

FAULTS = ("delay", "stall", "reset", "half-close")


class FaultyProxy:
    """Forwards to `port`; every so many bytes something happens to the connection."""

    def __init__(self, port: int, dice: random.Random, *, chance: float) -> None:
        self._target, self._dice, self._chance = port, dice, chance
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.happened = dict.fromkeys(FAULTS, 0)

    @property
    def url(self) -> str:
        """Where to connect to."""
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

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
            self._reset(writer)
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, far_writer, writer))
                both.create_task(self._pump(far_reader, writer, far_writer))
        except* (OSError, EOFError):
            pass
        finally:
            for end in (writer, far_writer):
                end.close()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
    ) -> None:
        while chunk := await reader.read(65_536):
            if self._dice.random() < self._chance:
                fault = self._dice.choice(FAULTS)
                self.happened[fault] += 1
                if fault == "delay":
                    await asyncio.sleep(self._dice.uniform(0.01, 0.3))
                elif fault == "stall":  # longer than anybody should wait
                    await asyncio.sleep(30)
                elif fault == "reset":
                    self._reset(writer)
                    self._reset(back)
                    raise ConnectionResetError
                else:
                    writer.write(chunk[: len(chunk) // 2])  # half an answer, and then nothing more
                    writer.write_eof()
                    return
            writer.write(chunk)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()

    @staticmethod
    def _reset(writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        if sock is not None:
            linger = struct.pack("ii", 1, 0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
