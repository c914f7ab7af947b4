"""Owns stopping code that runs: by an exception in its thread, by cancelling its coroutine.

A task that makes progress calls stops itself at the next one; this is for those that make none.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any

from dramatiq.threading import raise_thread_exception  # pyright: ignore[reportUnknownVariableType]  # untyped

from milepost.errors import Cancelled
from milepost_worker.jobs import Job


@contextmanager
def interruptible(job: Job) -> Generator[None]:
    """Let `interrupt` reach the code inside, and none after it."""
    thread = threading.get_ident()
    with job.lock:
        job.interrupt = lambda: raise_thread_exception(thread, Cancelled)
    try:
        yield
    finally:
        with job.lock:
            job.interrupt = None


def run_async(job: Job, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end in this thread; `interrupt` cancels it at its next await.

    Raises:
        Cancelled: it was interrupted and gave in.
    """

    async def main() -> Any:
        task = asyncio.ensure_future(coroutine)
        loop = asyncio.get_running_loop()
        with job.lock:
            job.interrupt = lambda: _cancel(loop, task)
        if job.progress.cancelled:
            task.cancel()
        return await task

    try:
        return asyncio.run(main())
    except asyncio.CancelledError as err:
        raise Cancelled from err


def _cancel(loop: asyncio.AbstractEventLoop, task: asyncio.Future[Any]) -> None:
    loop.call_soon_threadsafe(task.cancel)


def interrupt(job: Job) -> None:
    """Stop the job's code if it is running; from any thread."""
    with job.lock:
        act: Callable[[], Any] | None = job.interrupt
        if act is not None:
            act()
