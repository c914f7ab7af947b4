"""Owns demo.steps: a task that does nothing, visibly. Kills its worker only where it may."""

import os
import signal
import time
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from milepost.definitions import task
from milepost.progress import Progress
from milepost.running import current
from milepost.settings import Settings


class Steps(BaseModel):
    """What demo.steps shall do."""

    model_config = ConfigDict(extra="forbid")

    steps: Annotated[int, Field(ge=1, le=1_000_000, description="How many steps")]
    seconds: Annotated[float, Field(ge=0, le=3600, description="How long in all, about")]
    fail_at: Annotated[int | None, Field(ge=1, description="Step to fail at")] = None
    crash_at: Annotated[
        int | None, Field(ge=1, description="Step to kill the worker at, on the first attempt")
    ] = None


@task("demo.steps", title="Demonstration", public=True, max_attempts=1)
def steps(params: Steps, progress: Progress) -> dict[str, Any]:
    """Move through some steps in about the given time."""
    began = time.monotonic()
    for step in progress.track(range(1, params.steps + 1)):
        progress.report(message=f"step {step} of {params.steps}")
        if step == params.fail_at:
            raise RuntimeError(f"told to fail at step {step}")
        if step == params.crash_at and current().attempt == 1 and Settings.load().demo:
            os.kill(os.getpid(), signal.SIGKILL)
        _sleep_until(began + params.seconds * step / params.steps)
    return {"steps": params.steps}


def _sleep_until(moment: float) -> None:
    ahead = moment - time.monotonic()
    if ahead > 0.001:
        time.sleep(ahead)
