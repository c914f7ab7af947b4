"""Owns what a worker process says of its health: whether it lives, and is ready. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

STUCK_SECONDS = 120.0
"""A session that has not turned for so long is stuck. A turn waits 10 s for a primary that does not
answer, and leaves it alone then."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """Asks the parts of a worker, from any thread."""

    turned_at: Callable[[], float]
    """When the session last turned, monotonic seconds."""
    monotonic: Callable[[], float]
    log_is_away: Callable[[], bool]
    """Whether some of the log cannot be reached."""
    fault: Callable[[], str]
    """What is wrong with how Redis keeps what it has acknowledged; empty for nothing."""
    announced: Callable[[], bool]
    """Whether the catalogue has had this worker's task types."""
    stopping: Callable[[], bool]

    def live(self) -> dict[str, str]:
        """What only a restart would put right: name -> "ok" or why not."""
        still = self.monotonic() - self.turned_at()
        stuck = f"has taken and told nothing for {still:.0f} s"
        return {"session": "ok" if still < STUCK_SECONDS else stuck}

    def ready(self) -> dict[str, str]:
        """What it needs to do its work: name -> "ok" or why not."""
        redis = "some of the log cannot be reached" if self.log_is_away() else self.fault()
        return {
            **self.live(),
            "redis": redis or "ok",
            "task_types": "ok" if self.announced() else "not announced yet",
            "takes_work": "stopping" if self.stopping() else "ok",
        }
