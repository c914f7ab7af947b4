"""Owns watching other workers: who has not beaten for a whole lease. Pure; time is an argument.

A worker is dead only after its counter stood still for LEASE_SECONDS of the observer's own
monotonic time, all of it connected: an outage of Redis takes nothing from the living.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sighting:
    """When a counter was first seen at its present value."""

    beats: int
    since: float


class Observer:
    """Watches the beats of all partitions for one worker."""

    def __init__(self, me: str, lease_seconds: float) -> None:
        self._me = me
        self._lease_seconds = lease_seconds
        self._seen: dict[tuple[int, str], Sighting] = {}

    def see(self, partition: int, beats: dict[str, int], now: float) -> list[tuple[str, int]]:
        """Take in the counters of a partition; the dead as (worker, its counter).

        Args:
            now: seconds of this process' monotonic clock.
        """
        dead: list[tuple[str, int]] = []
        for worker, count in beats.items():
            key = (partition, worker)
            sighting = self._seen.get(key)
            if sighting is None or sighting.beats != count:
                self._seen[key] = Sighting(count, now)
            elif worker != self._me and now - sighting.since >= self._lease_seconds:
                dead.append((worker, count))
        gone = [key for key in self._seen if key[0] == partition and key[1] not in beats]
        for key in gone:
            del self._seen[key]
        return dead

    def forget(self, partition: int) -> None:
        """Begin anew after a disconnection: nobody's silence counts from before it."""
        for key in [key for key in self._seen if key[0] == partition]:
            del self._seen[key]
