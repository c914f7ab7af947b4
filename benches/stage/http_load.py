"""Owns load on an HTTP server: a process that asks again as soon as it is answered, on each of some
connections, and counts. `python -m benches.stage.http_load PORT SECONDS FILE`, a request a line in
FILE (JSON strings), one connection for each.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, cast

import uvloop

from benches.stage.processes import Processes

WARM_UP_SECONDS = 0.3
CONNECT_SECONDS = 10.0


def requests_a_second(
    processes: Processes,
    folder: Path,
    port: int,
    requests: Sequence[bytes],
    *,
    seconds: float,
    cores: set[int],
) -> float:
    """Good answers a second, with one request under way on each connection.

    Raises:
        CalledProcessError: an answer was not good; standard error says which.
    """
    file = folder / "requests.json"
    file.write_text("".join(f"{json.dumps(request.decode())}\n" for request in requests))
    command = [sys.executable, "-m", "benches.stage.http_load", str(port), str(seconds), str(file)]
    said = processes.output(command, {}, seconds=seconds + 30, cores=cores)
    return float(said)


class _Asker(asyncio.Protocol):
    """One connection."""

    answers = 0
    """Of all connections."""
    done = False

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        data = self._pending + data
        end = data.find(b"\r\n\r\n") + 4
        at = data.find(b"ontent-length: ", 0, end) + 15
        if end < 4 or at < 15 or len(data) < end + int(data[at : data.find(b"\r\n", at)]):
            self._pending = data
            return
        if data[9:10] != b"2":
            fail(data.decode())
        self._pending = b""
        _Asker.answers += 1
        self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        if not _Asker.done:
            fail(f"the server has closed a connection: {exc}")


def fail(why: str) -> NoReturn:
    """End with a reason: from a callback an exception would only be logged."""
    sys.stderr.write(f"{why}\n")
    os._exit(1)


async def _load(port: int, seconds: float, requests: list[bytes]) -> float:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: fail(str(context)))
    for request in requests:
        opening = loop.create_connection(lambda request=request: _Asker(request), "127.0.0.1", port)
        await asyncio.wait_for(opening, CONNECT_SECONDS)
    await asyncio.sleep(WARM_UP_SECONDS)
    before, began = _Asker.answers, time.perf_counter()
    await asyncio.sleep(seconds)
    _Asker.done = True
    return (_Asker.answers - before) / (time.perf_counter() - began)


def main(port: str, seconds: str, file: str) -> None:
    """Print the rate."""
    requests = [json.loads(line).encode() for line in Path(file).read_text().splitlines()]
    sys.stdout.write(f"{uvloop.run(_load(int(port), float(seconds), requests))}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
