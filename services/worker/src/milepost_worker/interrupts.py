"""Owns stopping code that runs: by an exception in its thread, by cancelling its coroutine.

A task that makes progress calls stops itself at the next one; this is for those that make none.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any

from dramatiq.middleware import TimeLimitExceeded
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


def run_async(
    job: Job, coroutine: Coroutine[Any, Any, Any], limit_seconds: float | None = None
) -> Any:
    """Run a coroutine to its end in this thread; `interrupt` cancels it at its next await.

    dramatiq's time limit reaches no loop that waits: an exception in its thread comes up only when
    something else has woken it. So the loop has a timer of its own; the other is for code that
    never awaits.

    Raises:
        Cancelled: it was interrupted and gave in.
        RuntimeError: it cancelled itself, which nobody has asked for: a failure.
        TimeLimitExceeded: it took longer than `limit_seconds`, was cancelled and gave in.
    """
    is_over = False

    async def main() -> Any:
        task = asyncio.ensure_future(coroutine)
        loop = asyncio.get_running_loop()

        def end() -> None:
            nonlocal is_over
            is_over = True
            task.cancel()

        if limit_seconds is not None:
            loop.call_later(limit_seconds, end)
        with job.lock:
            job.interrupt = lambda: _cancel(loop, task)
        if job.progress.cancelled:
            task.cancel()
        return await task

    try:
        return asyncio.run(main())
    except asyncio.CancelledError as err:
        if is_over and not job.progress.cancelled:
            raise TimeLimitExceeded from err
        if not job.progress.cancelled:
            raise RuntimeError("the task has cancelled itself") from err
        raise Cancelled from err


def _cancel(loop: asyncio.AbstractEventLoop, task: asyncio.Future[Any]) -> None:
    loop.call_soon_threadsafe(task.cancel)


def interrupt(job: Job) -> None:
    """Stop the job's code if it is running; from any thread."""
    with job.lock:
        act: Callable[[], Any] | None = job.interrupt
        if act is not None:
            act()
