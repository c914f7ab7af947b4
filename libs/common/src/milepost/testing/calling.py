"""Owns calling a task function in a test as a worker calls it. Decides nothing about its end."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from milepost.definitions import TaskDefinition, is_async
from milepost.errors import Cancelled
from milepost.running import RunningTask, running
from milepost.testing.attempt import Attempt


def call(task: TaskDefinition[..., Any], attempt: Attempt) -> Any:
    """Call the function with the task's params and return what it returns.

    Raises:
        ParamsChanged: the params are not what the function wants.
        BaseException: whatever the function raises.
    """
    started, progress = attempt.started, attempt.progress
    here = RunningTask(started.id, task.name, started.owner, started.attempt, progress)
    token = running.set(here)
    try:
        result = task.function(**task.arguments(started.created.params, progress))
        return _await(attempt, result) if is_async(task) else result
    finally:
        running.reset(token)


def _await(attempt: Attempt, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end; the owner's wish to stop cancels it at its next await."""

    async def main() -> Any:
        inner = asyncio.ensure_future(coroutine)
        loop = asyncio.get_running_loop()
        attempt.interrupt = lambda: loop.call_soon(inner.cancel)
        return await inner

    try:
        if not _in_a_loop():
            return asyncio.run(main())
        with ThreadPoolExecutor(1) as thread:  # an async test: its own loop stands still meanwhile
            return thread.submit(copy_context().run, asyncio.run, main()).result()
    except asyncio.CancelledError as err:
        raise Cancelled from err


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
