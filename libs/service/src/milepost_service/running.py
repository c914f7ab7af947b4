"""Owns background tasks that live as long as a block, and seeing one that does not. Knows none."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

AGAIN_SECONDS = 0.1


class Liveness:
    """Whether what is to run as long as the process still does."""

    def __init__(self) -> None:
        """Watch nothing yet."""
        self._tasks = set[asyncio.Task[None]]()

    def watch(self, task: asyncio.Task[None]) -> None:
        """Have a task that is to go on until it is left."""
        self._tasks.add(task)

    def leave(self, task: asyncio.Task[None]) -> None:
        """It may end from now on."""
        self._tasks.discard(task)

    def checks(self) -> dict[str, str]:
        """`background`: "ok", or what has ended that should not have. What returned is done."""
        dead = sorted({task.get_name() for task in self._tasks if _has_failed(task)})
        return {"background": f"has ended: {', '.join(dead)}" if dead else "ok"}


def _has_failed(task: asyncio.Task[None]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


@asynccontextmanager
async def running(
    *coroutines: Coroutine[Any, Any, None], liveness: Liveness | None = None
) -> AsyncGenerator[None]:
    """Run them until the end of the block, then cancel them and wait until they have ended.

    They are cancelled until they do end: redis-py sends under `asyncio.wait_for`, which before
    Python 3.12 forgets a cancellation that comes while what it waits for is just done.
    """
    watched = liveness or Liveness()
    pending = {asyncio.create_task(each, name=each.__qualname__) for each in coroutines}
    for task in pending:
        watched.watch(task)
    try:
        yield
    finally:
        for task in pending:
            watched.leave(task)
        while pending:
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=AGAIN_SECONDS)
