"""Owns what a bulk action of an operator is: which tasks, and what to do to each. Does nothing.

Its task type is reserved: submit makes such tasks for operators' own endpoint alone, since a worker
acts with the rights of an operator for whoever owns one.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from milepost.task_state import Status
from milepost.whole import WHOLE

TYPE = "milepost.bulk"
QUEUE = "operators"
"""Not where the tasks wait that it is about: that may be paused."""
MAX_SECONDS = 10**9

Action = Literal["cancel", "retry", "redrive"]
Text = Annotated[
    str, Field(min_length=1, max_length=255, pattern=r"^[^\u0000-\u001f\u007f-\u009f]*$")
]
Seconds = Annotated[int, Field(ge=0, le=MAX_SECONDS), WHOLE]


class BulkFilter(BaseModel):
    """Which tasks, as `GET /api/notify/admin/tasks` takes it; what is null may be anything."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    status: Status | None = None
    type: Text | None = None
    tag: Text | None = None
    queue: Text | None = None
    owner: Text | None = None
    error: Text | None = None
    """Code of the last failure."""
    build: Text | None = None
    """Of the worker that ran it last."""
    older_than_seconds: Seconds | None = None
    """By creation, counted back from the request."""
    younger_than_seconds: Seconds | None = None


class Bulk(BaseModel):
    """Params of a bulk task."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Action
    """`cancel`: live tasks; `retry`: failed and cancelled ones; `redrive`: those whose queue entry
    is a dead letter. Others that the filter finds are passed over."""
    filter: BulkFilter = BulkFilter()
    dry_run: bool = False
    """Change nothing, and say what would be done."""
