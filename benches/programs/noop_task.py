"""Our no-op task."""

from milepost import task


@task("bench.noop")
def noop() -> None:
    """Do nothing."""
