"""A started task as the log would hand it out, for tests that need no log."""

from milepost.codec import encode_data
from milepost.events import TaskCreated
from milepost_log.attempts import StartedTask


def started_task(entry: str = "1-1", *, partition: int = 0, attempt: int = 1) -> StartedTask:
    """A task of bob's with a secret in its params."""
    created = TaskCreated(task_type="unit.job", title="T", queue="default", params={"x": "secret"})
    return StartedTask(
        partition, "o", f"task {entry}", "bob", attempt, entry, "default:n",
        encode_data(created).encode(), b"", "",
    )  # fmt: skip
