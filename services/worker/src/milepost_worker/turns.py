"""Owns whose turn it is: from which partitions work is taken next, and how much. Talks to nobody.

Partitions that were given nothing for long go first, a handful each: what waits in one stands
before nobody in another. A suspect, a task that lost two workers, runs with nothing beside it: the
worker that is named for it takes nothing more until it is alone. Behind each, others have a turn
for as long as it took, so that no row of suspects keeps everybody waiting.
"""

from collections.abc import Iterator

from milepost_worker.held import Held, Holdings
from milepost_worker.jobs import Job
from milepost_worker.rooms import Rooms


class Turns:
    """The session's thread asks; seconds are those of the monotonic clock."""

    def __init__(self, holdings: Holdings, rooms: Rooms) -> None:
        self._holdings, self._rooms = holdings, rooms
        self._others_until = 0.0
        self.draining = False
        """Set when the process shall stop: nothing new is taken."""

    def due(self, now: float) -> Iterator[tuple[int, Held, int]]:
        """Partitions where something is to be done, each with how many tasks to take from it; where
        there is no room, still, to show life and watch others."""
        self._notice_room(now)
        due = [
            (number, held)
            for number, held in sorted(self._holdings.items(), key=self._order)
            if (held.endings or now >= held.look_at) and not held.is_away(now)
        ]
        for left, (number, held) in zip(range(len(due), 0, -1), due, strict=True):
            yield number, held, self._rooms.part(self._room(held, now), left)

    def wait(self, now: float, longest: float) -> float:
        """Seconds until something will be due, if no thread gets free before; at most `longest`."""
        if self.draining or self._rooms.free <= 0:
            return longest
        if self._nobody_else(now):
            return 0.0
        look_at = [
            max(held.look_at, held.away_until)
            for held in self._holdings.values()
            if self._room(held, now)
        ]
        return min(longest, max(0.0, min(look_at, default=now + longest) - now))

    def is_alone(self, now: float) -> bool:
        """Whether a suspect may be taken: this process holds nothing, not even an end that is not
        told yet, and it is nobody else's turn. Ends that nobody can be told of do not count."""
        return now >= self._others_until and self._is_empty()

    def ended(self, job: Job, now: float) -> None:
        """Note that an attempt is over; behind a suspect, others have as long as it took."""
        if job.started.is_suspect and job.began_at is not None:
            self._others_until = now + (now - job.began_at)

    def _is_empty(self) -> bool:
        held = any(each.jobs and not each.lost for each in self._holdings.values())
        return self._rooms.is_empty and not held

    def _notice_room(self, now: float) -> None:
        """Look again where something waits that there is room for now."""
        if self._nobody_else(now):
            self._others_until = now
        freed, alone = self._rooms.freed(), self.is_alone(now)
        for held in self._holdings.values():
            if not freed.isdisjoint(held.full) or (held.drains and alone):
                held.look_at = 0.0

    def _nobody_else(self, now: float) -> bool:
        """Whether others have a turn, and there are none: everywhere was looked."""
        looked = all(now < held.look_at for held in self._holdings.values())
        return now < self._others_until and looked and self._is_empty()

    def _room(self, held: Held, now: float) -> int:
        """How many tasks may be taken from a partition now."""
        if self.draining:
            return 0
        if now >= self._others_until and any(each.drains for each in self._holdings.values()):
            return self._rooms.free if held.drains and self.is_alone(now) else 0
        return self._rooms.free

    def _order(self, partition: tuple[int, Held]) -> tuple[bool, float]:
        _, held = partition
        return not held.drains, held.taken_at
