"""Owns what the world knows of a task type: its announcement in the catalogue."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

NAME_PATTERN = r"^[a-z0-9_]+(\.[a-z0-9_]+)*$"
QUEUE_PATTERN = r"^[a-z0-9_-]{1,50}$"


class TaskType(BaseModel):
    """A task type as its workers announce it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(pattern=NAME_PATTERN, max_length=100)
    title: str
    """For people; the title of a task that is given none."""
    description: str = ""
    queue: str = Field(default="default", pattern=QUEUE_PATTERN)
    public: bool = False
    """Whether people may submit it themselves, or only applications' backends."""
    params_schema: dict[str, Any]
    """JSON Schema 2020-12 of the params object."""
    quiet_after_seconds: float = Field(default=60.0, gt=0)
    """Without news for so long a running task is called quiet."""
    max_running_per_owner: int | None = Field(default=None, ge=1)
    """How many run at once for one owner, over all workers; null for any number."""
    announced_at: float = 0.0
    """Seconds since the epoch, the announcing worker's clock."""
