"""Owns delivering notifications: pages of the state, what is behind a cursor, waiting for more.

The same pages serve poll, long poll and stream. Knows no HTTP; reads through the ports only.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from milepost.cursors import Cursor, StreamId
from milepost.errors import MilepostError
from milepost.owners import partition_of
from milepost_notify import present
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.crowd import Crowd
from milepost_notify.hub import Hub
from milepost_notify.load import Load
from milepost_notify.looks import SharedLooks
from milepost_notify.rows import TaskRow
from milepost_notify.standing import UNKNOWN, Standing, Standings, observed
from milepost_notify.store import Filters, Notified, Place, ReadStore, Snapshot

POLL_MS_LEAST, POLL_MS_MOST = 250, 5000
POLL_MS_PER_QUIET_SECOND = 250
UNKNOWN_QUIET_SECONDS = 4.0
"""Taken for how long an owner has been quiet who was never announced, until that is certain."""


class NotProjected(MilepostError):
    """No projector has begun the owner's partition: there is nothing to give a cursor of."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Whose notifications, and which of them."""

    owner: str
    filters: Filters = field(default_factory=Filters)
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One answer."""

    cursor: Cursor
    """Of all it contains: ask with it for more."""
    notifications: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    gap: bool = False
    """The cursor asked with means nothing any more: this begins the current state."""
    more: bool = False
    """There is more behind it at once."""


class Delivery:
    """Serves notifications out of the read models, and out of the hub when there are none."""

    def __init__(
        self,
        reads: ReadStore,
        hub: Hub,
        *,
        partitions: int,
        now_ms: Callable[[], int],
        monotonic: Callable[[], float],
        load: Load,
        standings: Standings,
    ) -> None:
        self._reads, self._hub, self._load = reads, hub, load
        self._standings = standings
        self._looks = SharedLooks(reads, monotonic)
        self._crowd = Crowd(reads)
        self._partitions = partitions
        self._now_ms, self._monotonic = now_ms, monotonic

    async def page(self, feed: Feed, since: Cursor | None) -> Page:
        """What is behind `since`; the beginning of the current state without it, or after a gap.

        Raises:
            NotProjected: there is no checkpoint yet.
            StoreUnavailable: the database does not answer.
        """
        return await self._read(self._reads, feed, since)

    async def _read(self, reads: ReadStore, feed: Feed, since: Cursor | None) -> Page:
        partition = partition_of(feed.owner, self._partitions)

        def look(snapshot: Snapshot) -> tuple[Checkpoint, bool, StreamId | None, list[Notified]]:
            at = snapshot.checkpoint(partition)
            if at is None:
                raise NotProjected("nothing has been projected yet")
            gap = since is not None and not at.continues(since)
            if since is None or gap:
                after, state_at = None, at.position
            else:
                after, state_at = Place(since.id.sortable, since.ordinal), since.state_at
            found = snapshot.notifications(
                feed.owner,
                feed.filters,
                after=after,
                skip_dismissed_until=None if state_at is None else state_at.sortable,
                limit=feed.limit + 1,
            )
            return at, gap, state_at, found

        at, gap, state_at, found = await reads.read(look)
        more = len(found) > feed.limit
        shown = found[: feed.limit]
        now_ms = self._now_ms()
        notifications = [
            present.notification(told.row, told.task, at, now_ms, self._as_observed(told.task))
            for told in shown
        ]
        cursor = at.end()
        if more:
            last = shown[-1].row
            position = StreamId.from_sortable(last["position"])
            cursor = at.cursor(position, last["ordinal"], state_at)
        return Page(cursor, notifications, gap, more)

    async def next_page(self, feed: Feed, since: Cursor | None, wait_seconds: float) -> Page:
        """The next page with anything in it, or an empty one after `wait_seconds`."""
        partition = partition_of(feed.owner, self._partitions)
        deadline = self._monotonic() + wait_seconds
        with self._hub.waiting(partition, feed.owner) as waiter:
            page = self.idle_page(feed.owner, since) or await self.page(feed, since)
            while True:
                left = deadline - self._monotonic()
                if page.notifications or page.gap or left <= 0 or self.is_closing:
                    return page
                await waiter.wait(left)
                waiter.rearm()
                since = page.cursor
                page = self.idle_page(feed.owner, since) or await self._page_among_many(feed, since)

    def idle_page(self, owner: str, since: Cursor | None) -> Page | None:
        """An empty page if it is certain, without the database, that there is nothing new."""
        if since is None:
            return None
        newest = self._hub.unchanged(partition_of(owner, self._partitions), owner, since)
        return None if newest is None else Page(newest)

    @property
    def is_closing(self) -> bool:
        """Whether this process is to stop: what waits is to end."""
        return self._hub.closed

    async def visible(self, owner: str, revision: Cursor, wait_seconds: float) -> bool:
        """Wait until what `revision` names is in the read models; whether it is."""
        partition = partition_of(owner, self._partitions)
        deadline = self._monotonic() + wait_seconds
        with self._hub.waiting(partition, owner) as waiter:
            while True:
                waiter.rearm()
                at = await self._reads.read(lambda snapshot: snapshot.checkpoint(partition))
                if at is not None and at.has_passed(revision):
                    return True
                left = deadline - self._monotonic()
                if left <= 0:
                    return False
                await waiter.wait(min(left, 0.5))

    def next_poll_ms(self, owner: str, page: Page) -> int:
        """How soon to ask again, 250..5,000: soon while something of the owner moves, later the
        longer nothing does, and later when this process is busy."""
        partition = partition_of(owner, self._partitions)
        quiet = self._hub.quiet_seconds(partition, owner)
        if page.more or page.notifications:
            quiet = 0.0
        elif quiet is None:
            quiet = max(UNKNOWN_QUIET_SECONDS, self._hub.heard_seconds(partition))
        soon = max(quiet * POLL_MS_PER_QUIET_SECOND, POLL_MS_LEAST)
        return round(min(soon * self._load.stretch(), POLL_MS_MOST))

    def _as_observed(self, task: TaskRow | None) -> Standing:
        """What is known of a task without asking for it."""
        return UNKNOWN if task is None else observed(self._standings, task)

    async def _page_among_many(self, feed: Feed, since: Cursor) -> Page:
        """As `page`, for one of perhaps thousands who were woken at once."""
        partition = partition_of(feed.owner, self._partitions)
        if not self._hub.trusts(partition) and since.state_at is None:
            at = await self._looks.checkpoint(partition)
            if at is not None and at.end() == since:
                return Page(since)
        return await self._read(self._crowd, feed, since)
