"""A TCP proxy on loopback that misbehaves on command: delays, stalls, resets, half-closes."""

import asyncio
import random
import socket
import struct
from contextlib import suppress
from itertools import cycle

from loopback_proxy import End, LoopbackProxy

FAULTS = ("delay", "stall", "reset", "half-close")


class FaultyProxy(LoopbackProxy):
    """Forwards to `port`; every so many bytes something happens to the connection: one fault after
    the other, so that a few connections meet all of them."""

    def __init__(self, port: int, dice: random.Random, *, chance: float) -> None:
        super().__init__(port)
        self._dice, self._chance = dice, chance
        self._faults = cycle(dice.sample(FAULTS, len(FAULTS)))
        self.happened = dict.fromkeys(FAULTS, 0)

    async def _forward(self, near: End, far: End) -> None:
        async with asyncio.TaskGroup() as both:
            both.create_task(self._pump(near[0], far[1], near[1]))
            both.create_task(self._pump(far[0], near[1], far[1]))

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
    ) -> None:
        while chunk := await reader.read(65_536):
            if self._dice.random() < self._chance:
                fault = next(self._faults)
                self.happened[fault] += 1
                if fault == "delay":  # the pauses are the faults: there is nothing to wait for
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
