"""Owns what repeated looks at the partitions tell: whose beats stand still, how long queues are.

Pure; time is an argument. A worker has vanished when its counter stood still for a lease of looks
that were answered: an outage of Redis, or of this process, makes nobody lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_LEASES_BETWEEN_LOOKS = 1.0
"""After a longer pause nobody's silence counts from before it."""


@dataclass(slots=True)
class _Sighting:
    beats: int
    since: float
    """Monotonic seconds of the first look that saw this count."""
    since_ms: int


@dataclass(slots=True)
class _Partition:
    looked_at: float
    workers: dict[str, _Sighting] = field(default_factory=dict[str, _Sighting])
    waiting: Mapping[str, int] = field(default_factory=dict[str, int])


class Lookout:
    """All partitions as last seen."""

    def __init__(self, lease_seconds: float) -> None:
        self._lease = lease_seconds
        self._partitions: dict[int, _Partition] = {}

    def see(
        self,
        partition: int,
        beats: Mapping[str, int],
        waiting: Mapping[str, int],
        *,
        now: float,
        now_ms: int,
    ) -> None:
        """Take in a look: counters by worker, and how much waits by queue and priority."""
        known = self._partitions.get(partition)
        if known is None or now - known.looked_at > self._lease * MOST_LEASES_BETWEEN_LOOKS:
            known = self._partitions[partition] = _Partition(now)
        before, known.workers = known.workers, {}
        for worker, count in beats.items():
            seen = before.get(worker)
            if seen is None or seen.beats != count:
                seen = _Sighting(count, now, now_ms)
            known.workers[worker] = seen
        known.looked_at, known.waiting = now, waiting

    def forget(self, partition: int) -> None:
        """Nobody's silence counts from before now: it could not be heard."""
        self._partitions.pop(partition, None)

    def vanished_at(self, partition: int, worker: str) -> int | None:
        """When a worker was last heard of, in ms, if it has been still for a lease; else null."""
        known = self._partitions.get(partition)
        seen = None if known is None else known.workers.get(worker)
        if known is None or seen is None or known.looked_at - seen.since < self._lease:
            return None
        return seen.since_ms

    def working(self) -> int:
        """How many workers were heard of within a lease, in whatever partition."""
        return len(
            {
                worker
                for known in self._partitions.values()
                for worker, seen in known.workers.items()
                if known.looked_at - seen.since < self._lease
            }
        )

    def elsewhere(self, partition: int, line: str, most: int) -> int:
        """About how many of other partitions are served before one that has `most` before it in
        its own: workers go round, so that of each as many as there are, `most` at most."""
        return sum(
            min(most, known.waiting.get(line, 0))
            for number, known in self._partitions.items()
            if number != partition
        )
