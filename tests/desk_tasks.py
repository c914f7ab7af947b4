"""Task types whose states browser tests can hold still: each waits until a file says go on."""

import time
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from milepost import Cancelled, Fail, Progress, Retry, task


class Size(BaseModel):
    """How large a copy is to be."""

    width: int = Field(ge=1, le=4000, description="In pixels")
    height: int = 300


def _wait(progress: Progress, gate: str) -> None:
    while gate and not Path(gate).exists():
        if progress.cancelled:
            raise Cancelled
        time.sleep(0.05)  # between two looks at the gate


@task("images.resize", title="Resize images", public=True)
def resize(
    urls: list[str],
    progress: Progress,
    quality: float = 0.8,
    format: Literal["png", "jpeg", "webp"] = "png",
    size: Size | None = None,
    keep_originals: bool = True,
    until: date | None = None,
) -> dict[str, object]:
    """Makes smaller copies of the images at these addresses."""
    for url in progress.track(urls, message="resizing"):
        progress.log(f"resized {url}")
    return {
        "count": len(urls),
        "said": f"{quality} {format} {size.width if size else None} {keep_originals} {until}",
    }


@task("desk.hold", title="Hold", public=True, quiet_after_seconds=600)
def hold(percent: float, gate: str, message: str, progress: Progress) -> str:
    """Stands at a percentage until its gate is there."""
    for part in range(1, 11):
        progress.report(percent * part / 10, message=message)
        progress.log(f"{message}: part {part}")
        time.sleep(0.12)  # a curve to look at: reports come one by one
    _wait(progress, gate)
    return "held"


@task("desk.quiet", title="Quiet", public=True, quiet_after_seconds=0.5)
def quiet(gate: str, progress: Progress) -> None:
    """Tells something once, and then nothing."""
    progress.report(35, message="waiting for the archive to answer")
    _wait(progress, gate)


@task("desk.open", title="Open-ended", public=True, quiet_after_seconds=600)
def open_ended(gate: str, progress: Progress) -> None:
    """Cannot say how much there is to do."""
    progress.report(message="reading the feed")
    _wait(progress, gate)


@task("desk.single", title="One at a time", public=True, max_running=1)
def single(gate: str, progress: Progress) -> None:
    """Runs alone, so that a second one waits in the queue."""
    progress.report(10)
    _wait(progress, gate)


@task("desk.later", title="Another try", public=True, max_attempts=3)
def later(progress: Progress) -> None:
    """Fails, and is tried again in ten minutes."""
    progress.report(42, message="asking the printer")
    time.sleep(0.2)  # so that the report is a point of its own
    raise Retry(after_seconds=600)


@task("desk.fail", title="Failure", public=True)
def fail(reason: str, progress: Progress) -> None:
    """Fails for a reason that its owner may know."""
    progress.report(60, message="writing the file")
    raise Fail(reason)
