"""Owns what an API process knows from announcements alone: who has news, and whom to wake.

No I/O. A partition is trusted while its announcements chain: each begins where the last ended, and
none is older than 3 s. From `floor` on every change is known by its owner, so that an idle poll
needs no database. Whoever waits registers before he reads, or he would miss what came in between.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from milepost.cursors import MAX_ORDINAL, ZERO, Cursor, StreamId, log_prefix
from milepost_notify.wakeups import WakeUp

SILENCE_SECONDS = 3.0
DISTRUST_SECONDS = 1.0
"""So often somebody who waits looks into the database while the announcements are not trusted."""
MOST_OWNERS = 100_000


@dataclass(slots=True)
class _Chain:
    """Announcements of one partition that follow each other without a gap."""

    log_id: str
    era: int
    floor: StreamId
    last: StreamId
    heard_at: float
    begun_at: float
    owners: OrderedDict[str, tuple[StreamId, float]] = field(
        default_factory=OrderedDict[str, tuple[StreamId, float]]
    )
    """Owner -> end of the last announcement that named it, and when; the longest silent first."""
    silent: bool = False


class Waiter:
    """Somebody who waits for news of one owner. There are thousands: it is kept small."""

    __slots__ = ("_hub", "_news", "_partition", "_sleeping")

    def __init__(self, hub: "Hub", partition: int) -> None:
        self._hub, self._partition = hub, partition
        self._news = False
        self._sleeping: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """There may be news."""
        self._news = True
        self._stir()

    async def wait(self, seconds: float) -> None:
        """Return when there may be news, at the latest after `seconds`; sooner without trust."""
        if self._news or self._hub.closed:
            return
        if not self._hub.trusts(self._partition):
            seconds = min(seconds, DISTRUST_SECONDS)
        loop = asyncio.get_running_loop()
        self._sleeping = loop.create_future()
        alarm = loop.call_later(seconds, self._stir)
        try:
            await self._sleeping
        finally:
            alarm.cancel()
            self._sleeping = None

    def rearm(self) -> None:
        """Call before reading: what is announced from here on wakes again."""
        self._news = False

    def _stir(self) -> None:
        if self._sleeping is not None and not self._sleeping.done():
            self._sleeping.set_result(None)


class Hub:
    """All partitions, as announced."""

    def __init__(self, monotonic: Callable[[], float], *, most_owners: int = MOST_OWNERS) -> None:
        self._monotonic = monotonic
        self._most_owners = most_owners
        self.closed = False
        """True once this process is to stop: nobody waits any more."""
        self._chains: dict[int, _Chain] = {}
        self._waiters: dict[int, dict[str, set[Waiter]]] = {}

    def hear(self, partition: int, told: WakeUp) -> None:
        """Take in an announcement."""
        chain = self._chains.get(partition)
        if chain is None or (chain.log_id, chain.era) != (told.log_id, told.era):
            self._begin(partition, told)
        elif told.start == chain.last and told.end >= told.start:
            self._extend(partition, chain, told)
        elif told.end > chain.last or not self.trusts(partition):
            self._begin(partition, told)  # something got lost
        # Otherwise it is late, or of a projector that lags behind another: nothing new in it.

    def interrupted(self) -> None:
        """Announcements may have been missed: trust nothing until the next ones."""
        self._chains.clear()
        for partition in self._waiters:
            self._wake_all(partition)

    def close(self) -> None:
        """Let everybody who waits go: polls answer, streams end, and clients come again."""
        self.closed = True
        for partition in self._waiters:
            self._wake_all(partition)

    def tick(self) -> None:
        """Call about twice a second: wakes who waits for a partition that has fallen silent."""
        for partition, chain in self._chains.items():
            if not chain.silent and not self.trusts(partition):
                chain.silent = True
                self._wake_all(partition)

    def trusts(self, partition: int) -> bool:
        """Whether the partition has been heard of within 3 s."""
        chain = self._chains.get(partition)
        return chain is not None and self._monotonic() - chain.heard_at <= SILENCE_SECONDS

    def unchanged(self, partition: int, owner: str, since: Cursor) -> Cursor | None:
        """The newest cursor, if it is certain that `owner` has nothing behind `since`."""
        chain = self._chains.get(partition)
        if chain is None or not self.trusts(partition):
            return None
        if (since.partition, since.log, since.era) != (
            partition, log_prefix(chain.log_id), chain.era
        ):  # fmt: skip
            return None
        # Within an event, or between two pages of a state, there is more.
        if since.ordinal != MAX_ORDINAL or since.state_at is not None:
            return None
        if not chain.floor <= since.id <= chain.last:
            return None
        if chain.owners.get(owner, (ZERO, 0.0))[0] > since.id:
            return None
        return Cursor(partition, since.log, chain.era, chain.last, MAX_ORDINAL)

    def quiet_seconds(self, partition: int, owner: str) -> float | None:
        """Since when the owner has had no news; null when that is not known."""
        chain = self._chains.get(partition)
        if chain is None or owner not in chain.owners:
            return None
        return self._monotonic() - chain.owners[owner][1]

    def heard_seconds(self, partition: int) -> float:
        """For how long every change has been announced, by owner; 0 when none is."""
        chain = self._chains.get(partition)
        return 0.0 if chain is None else self._monotonic() - chain.begun_at

    @contextmanager
    def waiting(self, partition: int, owner: str) -> Generator[Waiter]:
        """Register somebody who waits for news of `owner`."""
        waiter = Waiter(self, partition)
        owners = self._waiters.setdefault(partition, {})
        owners.setdefault(owner, set()).add(waiter)
        try:
            yield waiter
        finally:
            owners[owner].discard(waiter)
            if not owners[owner]:
                del owners[owner]

    def _begin(self, partition: int, told: WakeUp) -> None:
        now = self._monotonic()
        self._chains[partition] = _Chain(told.log_id, told.era, told.end, told.end, now, now)
        self._wake_all(partition)

    def _extend(self, partition: int, chain: _Chain, told: WakeUp) -> None:
        if told.owners is None:
            return self._begin(partition, told)
        chain.last, chain.heard_at, chain.silent = told.end, self._monotonic(), False
        waiters = self._waiters.get(partition, {})
        for owner in told.owners:
            chain.owners[owner] = (told.end, chain.heard_at)
            chain.owners.move_to_end(owner)
            for waiter in waiters.get(owner, ()):
                waiter.wake()
        while len(chain.owners) > self._most_owners:
            forgotten, _ = chain.owners.popitem(last=False)[1]
            chain.floor = max(chain.floor, forgotten)
        return None

    def _wake_all(self, partition: int) -> None:
        for waiters in self._waiters.get(partition, {}).values():
            for waiter in waiters:
                waiter.wake()
