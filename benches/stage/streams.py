"""Owns many idle SSE clients: a process that opens streams, one owner each, and only drains them.

`python -m benches.stage.streams PORT FIRST COUNT READY`: owners `idle FIRST` and on; makes the file
READY when all have been answered, and stays until it is ended.
"""

import asyncio
import subprocess
import sys
from pathlib import Path

import uvloop

from benches.stage.http_client import bearer, request
from benches.stage.processes import Processes, until

AT_ONCE = 100
ANSWER_SECONDS = 60.0
OPEN_SECONDS = 120.0
PATH = "/api/notify/notifications/stream"


def open_streams(
    processes: Processes, folder: Path, port: int, first: int, count: int
) -> "subprocess.Popen[bytes]":
    """Open `count` more; returns when all have been answered."""
    ready = folder / f"streams-{first}"
    command = [sys.executable, "-m", "benches.stage.streams", str(port), str(first), str(count),
               str(ready)]  # fmt: skip
    process = processes.start(command)

    def opened() -> bool:
        assert process.poll() is None, "the clients have ended"
        return ready.exists()

    until(opened, f"{count} streams", OPEN_SECONDS, pause=0.05)
    return process


class _Stream(asyncio.Protocol):
    """One client."""

    def __init__(self) -> None:
        self.answered = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        if not self.answered.done():
            if data.startswith(b"HTTP/1.1 200"):
                self.answered.set_result(None)
            else:
                self.answered.set_exception(ConnectionError(data.decode()))


async def _open(port: int, first: int, count: int, ready: Path) -> None:
    loop, free = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)
    kept = list[asyncio.Transport]()

    async def open_one(number: int) -> None:
        async with free, asyncio.timeout(ANSWER_SECONDS):
            transport, stream = await loop.create_connection(_Stream, "127.0.0.1", port)
            transport.write(request("GET", PATH, bearer(f"idle {number}")))
            kept.append(transport)
            await stream.answered

    await asyncio.gather(*(open_one(first + number) for number in range(count)))
    ready.touch()  # noqa: ASYNC240  # nothing else is to be done meanwhile
    await asyncio.Event().wait()


def main(port: str, first: str, count: str, ready: str) -> None:
    """Open them and stay."""
    uvloop.run(_open(int(port), int(first), int(count), Path(ready)))


if __name__ == "__main__":
    main(*sys.argv[1:])
