"""Task types that tests run in real workers."""

import time
from typing import Any

from milepost import Fail, Progress, current, task


@task("sample.noop")
def noop() -> None:
    """Do nothing."""


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
