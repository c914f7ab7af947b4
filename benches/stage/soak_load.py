"""Owns a load like that of people, who send tasks, follow them to their ends, go, and come again.

`python -m benches.stage.soak_load PORT RATE SECONDS`: RATE tasks a second, 0 for as many as can be;
prints how many ended a second. Each person sends 20 tasks (most do nothing; some tell of their
progress, fail, are cancelled) and follows them by stream, by long poll or by asking again; then
puts half of them away and marks all as read.
"""

import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, aclosing
from typing import Any
from uuid import uuid4

import uvloop

from benches.stage.followers import NOTIFICATIONS, ask, poll, stream
from benches.stage.http_client import Connection, bearer

NAMES = 2000
"""So many owners there are in all; SQL keeps two rows of each for good."""
AT_ONCE = 48
TASKS_EACH = 20
BATCH = 5
ENDED = ("succeeded", "failed", "cancelled")
IDLE_SECONDS = 2.0
"""Then a person opens another connection: servers close idle ones (uvicorn after 5 s)."""
PERSON_SECONDS = 300.0
MOST_BEHIND_SECONDS = 1.0
TASKS = "/api/submit/tasks"
NOOP: Mapping[str, Any] = {"type": "bench.noop", "params": {}}

Turn = Callable[[int], Awaitable[None]]
"""Returns when so many more tasks may be sent."""


class Person:
    """One, from coming to going."""

    def __init__(self, port: int, number: int, turn: Turn) -> None:
        self._owner = f"person {number % NAMES}"
        self._dice = random.Random(number)
        self._turn = turn
        self._connected: Connection | None = None
        self._port, self._commands, self._asked_at = port, AsyncExitStack(), 0.0
        self._follow = (stream, poll, ask)[number % 3](port, self._owner)
        self._header = bearer(self._owner)
        self._sent, self._ended = set[str](), set[str]()
        self._all_ended = asyncio.get_running_loop().create_future()

    async def live(self) -> int:
        """Send, follow, go; how many tasks have ended."""
        following = asyncio.create_task(self._watch())
        following.add_done_callback(self._lost)
        try:
            async with asyncio.timeout(PERSON_SECONDS), self._commands:
                while len(self._sent) < TASKS_EACH:
                    self._sent |= await self._send()
                self._look()
                await self._all_ended
                await self._leave()
        finally:
            following.cancel()
            await asyncio.wait([following])
        return len(self._sent)

    async def _send(self) -> set[str]:
        kind, header = self._dice.random(), self._header
        body: Mapping[str, Any] = NOOP
        if kind < 0.05:
            await self._turn(BATCH)
            sent = await self._ask(f"{TASKS}/batch", header, {"tasks": [NOOP] * BATCH})
            return {task["id"] for task in sent["tasks"]}
        await self._turn(1)
        if kind < 0.10:
            body = {"type": "bench.steps", "params": {"count": 5}}
        elif kind < 0.15:
            body = {"type": "bench.fails", "params": {}}
        elif kind < 0.20:
            task = (await self._ask(TASKS, header, {**body, "delay_seconds": 60}))["id"]
            await self._ask(f"{TASKS}/{task}/cancel", header)
            return {task}
        elif kind < 0.30:
            header += f"Idempotency-Key: {uuid4()}\r\n"
        return {(await self._ask(TASKS, header, body))["id"]}

    async def _watch(self) -> None:
        async with aclosing(self._follow):
            async for notification in self._follow:
                data = notification["data"]
                if notification["name"] == "task_progress" and data["status"] in ENDED:
                    self._ended.add(data["id"])
                    self._look()

    def _look(self) -> None:
        if len(self._sent) >= TASKS_EACH and self._sent <= self._ended and not self._is_over():
            self._all_ended.set_result(None)

    def _lost(self, following: asyncio.Task[None]) -> None:
        if not following.cancelled() and not self._is_over():
            self._all_ended.set_exception(following.exception() or ConnectionError("no more"))

    def _is_over(self) -> bool:
        return self._all_ended.done()

    async def _leave(self) -> None:
        for task in sorted(self._sent)[::2]:
            await self._ask(f"{TASKS}/{task}/dismiss", self._header)
        page = await (await self._connection()).get(f"{NOTIFICATIONS}?limit=1", self._header)
        await self._ask("/api/submit/inbox/read", self._header, {"until": page["cursor"]})

    async def _ask(self, path: str, header: str, body: object = None) -> Any:
        return await (await self._connection()).post(path, header, body)

    async def _connection(self) -> Connection:
        """That of before, unless the server may be about to close it."""
        now = time.monotonic()
        if self._connected is None or now - self._asked_at > IDLE_SECONDS:
            await self._commands.aclose()
            self._connected = await self._commands.enter_async_context(Connection(self._port))
        self._asked_at = now
        return self._connected


async def load(port: int, rate: float, seconds: float) -> float:
    """Let people come for so long, and end what they have begun; tasks a second until then."""
    began = due = time.monotonic()
    came = ended = 0

    async def turn(tasks: int) -> None:
        nonlocal due
        if rate:
            now = time.monotonic()
            due = max(due, now - MOST_BEHIND_SECONDS) + tasks / rate
            await asyncio.sleep(max(0.0, due - now))

    async def people() -> None:
        nonlocal came, ended
        while time.monotonic() - began < seconds:
            came += 1
            number = await Person(port, came, turn).live()
            if time.monotonic() - began < seconds:
                ended += number

    async with asyncio.TaskGroup() as everybody:
        for _ in range(AT_ONCE):
            everybody.create_task(people())
    return ended / seconds


def main(port: str, rate: str, seconds: str) -> None:
    """Print the rate of all."""
    sys.stdout.write(f"{uvloop.run(load(int(port), float(rate), float(seconds)))}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
