"""Creates tasks in a log and follows what becomes of them, for tests without HTTP."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from milepost.codec import decode
from milepost.cursors import ZERO
from milepost.errors import LogUnavailable
from milepost.events import Event, TaskCreated, TaskProgressed
from milepost.keys import Priority
from milepost.task_state import ENDED
from milepost_log.commands import CommandLog, NewTask
from milepost_log.reader import LogReader
from milepost_log.servers import open_servers_async


class LogProbe:
    """All partitions' logs from the outside."""

    def __init__(self, url: str, namespace: str, partitions: int = 1) -> None:
        self._client = open_servers_async(url)
        self._reading = open_servers_async(url, answer_seconds=1.0)
        self.commands = CommandLog(self._client, namespace, partitions)
        self._readers = [LogReader(self._reading, namespace, each) for each in range(partitions)]
        self._positions = [ZERO] * partitions
        self.events: dict[str, list[Event]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        await self.commands.prepare()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()
        await self._reading.aclose()

    async def create(self, task_type: str, *, owner: str = "bob", **params: Any) -> str:
        """Create one task in the queue `default`; its id."""
        return (await self.create_many([(task_type, params)], owner=owner))[0]

    async def create_many(
        self,
        requests: list[tuple[str, dict[str, Any]]],
        *,
        owner: str = "bob",
        priority: Priority = "normal",
    ) -> list[str]:
        """Create many in one call; their ids."""
        tasks = [
            NewTask(
                str(uuid4()), "f",
                TaskCreated(
                    task_type=name, title=name, queue="default", priority=priority, params=params
                ),
            )
            for name, params in requests
        ]  # fmt: skip
        await self.commands.create(owner, tasks, max_live=1_000_000)
        return [task.id for task in tasks]

    async def follow(self, until: Callable[[], bool], *, seconds: float = 30) -> None:
        """Read on until the condition holds; fails after the deadline with what was seen."""
        deadline = time.monotonic() + seconds
        while not until():
            if time.monotonic() > deadline:
                seen = {task: self.types(task)[-3:] for task in list(self.events)[:20]}
                raise AssertionError(f"it did not come to it; seen: {seen}")
            await asyncio.gather(*map(self._read_on, range(len(self._readers))))

    async def _read_on(self, partition: int) -> None:
        try:
            entries = await self._readers[partition].read(
                self._positions[partition], count=1000, block_ms=50
            )
        except LogUnavailable:
            return
        for entry in entries:
            event = decode(partition, entry.id, entry.fields)
            self._positions[partition] = event.id
            self.events[event.task].append(event)

    async def ended(self, *tasks: str, seconds: float = 30) -> None:
        """Wait until these tasks have ended."""
        await self.follow(lambda: all(self.end_of(task) for task in tasks), seconds=seconds)

    def end_of(self, task: str) -> str | None:
        """How a task ended; null while it lives."""
        for kind in self.types(task):
            if kind in ENDED:
                return kind
        return None

    def types(self, task: str) -> list[str]:
        """The event types of a task so far, without `task.`."""
        return [event.payload.type.removeprefix("task.") for event in self.events[task]]

    def check_invariants(self) -> None:
        """Whatever was done to it: one terminal event, attempts in order, no bar that falls."""
        for task, events in self.events.items():
            kinds = self.types(task)
            assert sum(kind in ENDED for kind in kinds) <= 1, (task, kinds)
            attempts = [event.attempt for event in events if event.payload.type == "task.started"]
            assert attempts == list(range(1, len(attempts) + 1)), (task, attempts)
            last = (0, 0.0)
            for event in events:
                assert event.attempt >= last[0], (task, kinds)
                if isinstance(event.payload, TaskProgressed):
                    told = (event.attempt, event.payload.progress)
                    assert told >= last, (task, last, told)
                    last = told
                else:
                    last = (event.attempt, last[1] if event.attempt == last[0] else 0.0)
