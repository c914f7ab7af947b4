"""Owns `storm.work`, what a storm's own stack runs: work of known results that carries a mark."""

import time
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from milepost.definitions import task
from milepost.errors import Fail, Retry
from milepost.progress import Progress
from milepost.running import current

NAME = "storm.work"


class Work(BaseModel):
    """What is to be done."""

    model_config = ConfigDict(extra="forbid")

    mark: Annotated[str, Field(max_length=100, description="In all that is told of it")]
    pieces: Annotated[int, Field(ge=1, le=10_000, description="How many pieces")]
    seconds: Annotated[float, Field(ge=0, le=60, description="How long in all, about")]
    wavers: Annotated[bool, Field(description="Reports backwards, and 100 too early")] = False
    resumes: Annotated[bool, Field(description="Goes on after a crash where it was")] = False
    retries: Annotated[int, Field(ge=0, le=5, description="Attempts that ask for another")] = 0
    fails: Annotated[bool, Field(description="Fails in the end")] = False


@task(NAME, title="Storm", public=True, max_attempts=8)
def work(params: Work, progress: Progress) -> dict[str, Any]:
    """Do the pieces, one after another."""
    progress.log(f"{params.mark} begins attempt {current().attempt}")
    pause = params.seconds / params.pieces
    for piece in progress.track(range(params.pieces), message=params.mark, resume=params.resumes):
        if params.wavers:
            progress.report(100 if piece % 2 else 10, message=params.mark)
        time.sleep(pause)
    if current().attempt <= params.retries:
        raise Retry(after_seconds=0.05)
    if params.fails:
        raise Fail(f"{params.mark} was to fail")
    return result(params.mark, params.pieces)


def result(mark: str, pieces: int) -> dict[str, Any]:
    """What a success returns."""
    return {"mark": mark, "pieces": pieces}
