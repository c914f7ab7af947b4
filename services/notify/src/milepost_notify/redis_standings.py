"""Owns looking at queues and leases in Redis: all the time for beats, when asked for one task.

Reads only, and asks briefly: who asks for a task gets it without these where Redis is slow or away.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Literal, TypedDict

from milepost.errors import LogUnavailable
from milepost.keys import PartitionKeys
from milepost.owners import partition_of
from milepost_log import offers
from milepost_log.offers import Offered
from milepost_log.servers import AsyncServers
from milepost_log.standings import Place, census_of, place_of
from milepost_notify.lookout import Lookout
from milepost_notify.rows import TaskRow
from milepost_notify.standing import UNKNOWN, Standing

LOOKS_A_LEASE = 6
MOST_PAUSE_SECONDS = 5.0
ANSWER_SECONDS = 0.5

_log = logging.getLogger(__name__)


class RedisStandings:
    """`standing.Standings` over a real log."""

    def __init__(
        self,
        servers: AsyncServers,
        namespace: str,
        partitions: int,
        *,
        lease_seconds: float,
        monotonic: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        """Connect at the first look."""
        self._servers, self._namespace, self._partitions = servers, namespace, partitions
        self._lease_seconds = lease_seconds
        self._monotonic, self._now_ms = monotonic, now_ms
        self._lookout = Lookout(lease_seconds)

    async def keep_looking(self) -> None:
        """Watch everybody's beats until cancelled; comes back by itself from every outage."""
        pause = min(MOST_PAUSE_SECONDS, self._lease_seconds / LOOKS_A_LEASE)
        while True:
            try:
                await self._look_round()
            except Exception:  # the loop has to go on: without it nobody is ever found lost
                _log.exception("lookout failed", extra={"action": "look"})
            await asyncio.sleep(pause)

    async def of(self, row: TaskRow) -> Standing:
        """See `standing.Standings`."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._standing(row)
        except (LogUnavailable, TimeoutError):
            return UNKNOWN

    def vanished_at(self, worker: str, partitions: Sequence[int]) -> int | None:
        """See `standing.Standings`."""
        heard = [self._lookout.vanished_at(number, worker) for number in partitions]
        known = [at for at in heard if at is not None]
        return max(known) if known and len(known) == len(heard) else None

    def working(self) -> int:
        """How many workers were heard of within a lease."""
        return self._lookout.working()

    def is_lost(self, row: TaskRow) -> bool:
        """See `standing.Standings`."""
        return (
            row["status"] == "running" and self._vanished_at(row, row["worker"] or "") is not None
        )

    async def _look_round(self) -> None:
        """Look at all partitions; a primary that does not answer keeps others waiting once."""
        away: set[str] = set()
        for partition in range(self._partitions):
            primary = self._servers.address_of(PartitionKeys(self._namespace, partition).log)
            try:
                if primary not in away:
                    await self._look(partition)
                    continue
            except LogUnavailable:
                away.add(primary)
            self._lookout.forget(partition)

    async def _look(self, partition: int) -> None:
        census = await census_of(self._servers, self._namespace, partition)
        self._lookout.see(
            partition,
            census.beats,
            census.waiting,
            now=self._monotonic(),
            now_ms=self._now_ms(),
        )

    async def _standing(self, row: TaskRow) -> Standing:
        partition = partition_of(row["owner"], self._partitions)
        place = await place_of(
            self._servers, self._namespace, partition, row["owner"], row["id"], row["type"]
        )
        if place is None:
            return UNKNOWN
        if place.status == "running":
            vanished_at = self._vanished_at(row, place.worker)
            lost = vanished_at is not None or not place.has_lease
            return Standing("running", place.attempt, lost=lost, vanished_at=vanished_at)
        if place.status == "queued":
            return await self._queued(row, partition, place)
        return Standing(place.status, place.attempt, **_paused(place))

    async def _queued(self, row: TaskRow, partition: int, place: Place) -> Standing:
        offered = await offers.look(self._servers, self._namespace, row["type"], row["queue"])
        missing: Literal["", "type", "queue"] = ""
        since: int | None = None
        if self._is_old(offered, offered.type_at):
            missing, since = "type", offered.type_at
        elif self._is_old(offered, offered.queue_at):
            missing, since = "queue", offered.queue_at
        ahead = place.ahead
        if ahead is not None and place.waits in ("stream", "own"):
            line = f"{row['queue']}:{row['priority'][0]}"
            ahead += self._lookout.elsewhere(partition, line, ahead)
        return Standing(
            "queued",
            place.attempt,
            waits=place.waits,
            ahead=ahead,
            missing=missing,
            missing_since=since,
            suspects=place.suspects,
            **_paused(place),
        )

    def _is_old(self, offered: Offered, at: int | None) -> bool:
        return at is None or offered.now_ms - at > self._lease_seconds * 1000

    def _vanished_at(self, row: TaskRow, worker: str) -> int | None:
        return self._lookout.vanished_at(partition_of(row["owner"], self._partitions), worker)


class _Paused(TypedDict, total=False):
    paused: Literal["queue", "type"]
    paused_since: int
    paused_reason: str | None


def _paused(place: Place) -> _Paused:
    """What an operator has paused of it, as `Standing` has it."""
    pause = place.paused
    if pause is None:
        return {}
    return {"paused": pause.what, "paused_since": pause.since_ms, "paused_reason": pause.reason}
