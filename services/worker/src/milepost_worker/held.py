"""Owns which attempts run in this process, by partition. Talks to nobody."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from milepost_log.attempts import Outcome
from milepost_worker.interrupts import interrupt
from milepost_worker.jobs import Job

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Held:
    """What this worker holds of one partition, and when to look at it next."""

    jobs: dict[str, Job] = field(default_factory=dict[str, Job])
    """By queue entry: attempts that run here."""
    endings: list[Outcome] = field(default_factory=list[Outcome])
    """Ends that the log has not confirmed."""
    unclaimed: list[str] = field(default_factory=list[str])
    """Types of tasks that wait aside there, and that this worker does not know."""
    full: list[str] = field(default_factory=list[str])
    """Types of tasks that wait aside there, and that this worker has no room for."""
    turn: int = 0
    """Whose turn it is there, as the log said."""
    drains: bool = False
    """Whether this worker takes nothing more until it is alone, since a suspect waits there."""
    taken_at: float = 0.0
    """When something was last taken from it, monotonic seconds."""
    look_at: float = 0.0
    """When to take from it next, monotonic seconds."""
    beat_at: float = 0.0
    """When to show life in it next."""
    lost: bool = False
    """Whether its primary did not answer, and what it thinks is ours is to be compared."""
    away_until: float = 0.0
    """When to ask it again, if it did not answer."""

    def is_away(self, now: float) -> bool:
        """Whether to leave it alone at `now`, monotonic seconds."""
        return now < self.away_until

    def holds(self, job: Job) -> bool:
        """Whether the attempt is this worker's still."""
        return self.jobs.get(job.started.entry) is job

    def stop(self, job: Job) -> None:
        """Its owner asks it to stop: at its next progress call, a coroutine at its next await."""
        job.progress.cancel()
        if job.asked_at is None:
            job.asked_at = time.monotonic()
            if job.is_async:
                interrupt(job)

    def abandon(self, job: Job) -> None:
        """Let go of an attempt that somebody else has taken over; whatever it tells is dropped."""
        job.abandoned = True
        job.progress.cancel()
        if job.is_async:
            interrupt(job)
        self.jobs.pop(job.started.entry, None)
        logger.warning("attempt was taken over", extra={"task_id": job.started.id})


class Holdings(dict[int, Held]):
    """All partitions of the deployment."""

    def __init__(self, partitions: int) -> None:
        super().__init__({number: Held() for number in range(partitions)})

    def jobs(self) -> Iterator[Job]:
        """Every attempt that runs here."""
        for held in self.values():
            yield from held.jobs.values()

    def snapshot(self) -> list[Job]:
        """The same for another thread than the session's, whose dicts may change meanwhile."""
        return [job for held in self.values() for job in held.jobs.copy().values()]

    def abandon_all(self) -> None:
        """Let go of everything."""
        for held in self.values():
            for job in list(held.jobs.values()):
                held.abandon(job)
            held.endings = []
