"""Task types that tests run in real workers."""

import asyncio
import os
import signal
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from milepost import Fail, Progress, Retry, current, task


@task("sample.noop")
def noop() -> None:
    """Do nothing."""


@task("sample.open", public=True)
def open_to_all() -> None:
    """Do nothing, for whoever asks."""


@task("sample.count")
def count(upto: int, progress: Progress) -> dict[str, Any]:
    """Count."""
    for _ in progress.track(range(upto), message="counting"):
        pass
    return {"count": upto}


@task("sample.fail")
def fail(reason: str) -> None:
    """Say Fail."""
    raise Fail(reason)


@task("sample.boom")
async def boom(secret: str, progress: Progress) -> None:
    """Raise with a secret."""
    progress.report(10)
    raise RuntimeError(secret)


@task("sample.sleep")
def sleep(seconds: float, progress: Progress) -> int:
    """Take its time, moving."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        progress.report(max(0.0, min(100.0, 100 * (1 - (until - time.monotonic()) / seconds))))
        time.sleep(0.01)
    return current().attempt


@task("sample.limited", time_limit_seconds=0.5)
def limited() -> None:
    """Run longer than it may."""
    for _ in range(2000):
        time.sleep(0.01)


@task("sample.limited_async", time_limit_seconds=0.5)
async def limited_async() -> None:
    """Await for longer than it may."""
    await asyncio.sleep(3600)


@task("sample.cancels_itself")
async def cancels_itself() -> None:
    """End by a cancellation that nobody has asked for."""
    raise asyncio.CancelledError


@task("sample.later", max_attempts=2)
def later(seconds: float) -> None:
    """Ask to be tried again so much later, once."""
    if current().attempt == 1:
        raise Retry(after_seconds=seconds)


class Strange(Fail):
    """Has no code, and a reason that is no text."""

    def __init__(self) -> None:
        self.reason = Path("strange")  # pyright: ignore[reportAttributeAccessIssue]  # on purpose


@task("sample.strange", max_attempts=1)
def strange(progress: Progress) -> None:
    """Say what cannot be told, after a note of what is no text and no plain number."""
    progress.report(done=Decimal(1), total=Decimal(2), message=Path("strange"))  # pyright: ignore[reportArgumentType]  # on purpose
    raise Strange


@task("sample.flaky", max_attempts=3)
def flaky(fail_times: int, progress: Progress) -> int:
    """Fail some times, then succeed."""
    if current().attempt <= fail_times:
        raise Retry(after_seconds=0.05)
    return current().attempt


@task("sample.always", max_attempts=2)
def always() -> None:
    """Never work."""
    raise ValueError("secret text")


@task("sample.resumed", max_attempts=5)
def resumed(items: int, crash_at: int, ledger: str, progress: Progress) -> int:
    """Write each item into a ledger; die once in the middle."""
    for item in progress.track(range(items), resume=True):
        with Path(ledger).open("a") as book:
            book.write(f"{item}\n")
        if item == crash_at and current().attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
    return items


@task("sample.stepped")
def stepped(progress: Progress) -> None:
    """Go through steps, with lines in a log."""
    with progress.step("download", weight=0.25):
        for _ in progress.track(range(10)):
            time.sleep(0.02)
    progress.log("downloaded")
    with progress.step("convert", weight=0.75):
        for _ in progress.track(range(10)):
            time.sleep(0.02)
    progress.log("converted")


@task("sample.deaf")
def deaf() -> None:
    """Make no progress call for long."""
    for _ in range(6000):
        time.sleep(0.01)


@task("sample.waits")
async def waits() -> None:
    """Await for long."""
    await asyncio.sleep(60)


@task("sample.greedy_code")
def greedy_code(seconds: float) -> int:
    """Hold the interpreter's lock, as C code may: nothing else of the process runs meanwhile."""
    until = time.monotonic() + seconds
    before = sys.getswitchinterval()
    sys.setswitchinterval(3600)
    try:
        while time.monotonic() < until:
            pass
    finally:
        sys.setswitchinterval(before)
    return current().attempt


@task("sample.parent", public=True)
def parent(children: int, crash: bool) -> list[str]:
    """Submit children; die once after that."""
    made = [noop.submit().id for _ in range(children)]
    if crash and current().attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return made


@task("sample.async_parent", public=True)
async def async_parent() -> str:
    """Submit a child from a coroutine."""
    return (await noop.asubmit()).id


@task("sample.single", max_running=1)
def single(seconds: float) -> int:
    """One at a time in a process."""
    time.sleep(seconds)
    return os.getpid()


@task("sample.two_each", max_running_per_owner=2)
def two_each(seconds: float) -> None:
    """Two at a time for an owner."""
    time.sleep(seconds)


@task("sample.killer")
def killer(after_seconds: float) -> None:
    """Kill its worker."""
    time.sleep(after_seconds)
    os.kill(os.getpid(), signal.SIGKILL)


@task("sample.waiting_parent")
def waiting_parent() -> Any:
    """Submit a child, and wait for it."""
    return count.submit(upto=4).wait(timeout=60).result
