"""Owns reading for the many who are woken at once: who asks meanwhile goes along with the next.

A hundred owners with news ten times a second each are a thousand looks a second. What a look costs
is the hop to a thread and the transaction around it, and those one snapshot has for all.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from milepost.errors import MilepostError
from milepost_notify.store import Answer, ReadStore, Snapshot

MOST_TOGETHER = 32
"""Bounds how long one who is late for a snapshot waits for those in it."""
MOST_SNAPSHOTS = 2
"""At a time: whoever is not of the crowd finds a connection free."""


class _Asked(NamedTuple):
    work: Callable[[Snapshot], Any]
    answer: asyncio.Future[Any]


class Crowd:
    """A `store.ReadStore` that reads for several callers in one snapshot."""

    def __init__(self, reads: ReadStore) -> None:
        self._reads = reads
        self._asked = deque[_Asked]()
        self._runs = set[asyncio.Task[None]]()
        self._running = 0

    async def read(self, work: Callable[[Snapshot], Answer]) -> Answer:
        """See `store.ReadStore`. A MilepostError of `work` is its caller's alone; whatever else
        goes wrong in a snapshot is said to all who share it."""
        asked = _Asked(work, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        if self._running < MOST_SNAPSHOTS:
            self._running += 1
            run = asyncio.create_task(self._run())
            self._runs.add(run)
            run.add_done_callback(self._runs.discard)
        return await asked.answer

    async def _run(self) -> None:
        try:
            while self._asked:
                most = min(len(self._asked), MOST_TOGETHER)
                await self._answer([self._asked.popleft() for _ in range(most)])
        finally:
            # Before anybody else can ask, or he would count on a run that has seen its last.
            self._running -= 1

    async def _answer(self, asked: list[_Asked]) -> None:
        answers: list[Any]
        try:
            answers = await self._reads.read(lambda snapshot: _all_of(asked, snapshot))
        except Exception as err:
            answers = [err] * len(asked)
        for each, answer in zip(asked, answers, strict=True):
            if each.answer.done():
                continue  # it left meanwhile
            if isinstance(answer, Exception):
                each.answer.set_exception(answer)
            else:
                each.answer.set_result(answer)


def _all_of(asked: list[_Asked], snapshot: Snapshot) -> list[Any]:
    answers = list[Any]()
    for each in asked:
        if each.answer.done():
            answers.append(None)
            continue
        try:
            answers.append(each.work(snapshot))
        except MilepostError as err:
            answers.append(err)
    return answers
