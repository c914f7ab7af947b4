"""Owns how one owner's notifications are followed: poll, long poll and stream ask here. No HTTP."""

from collections.abc import Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass

from milepost.cursors import Cursor
from milepost_notify.delivery import Delivery, Feed, Page
from milepost_notify.places import Places
from milepost_service.revocations import Revocations


@dataclass(frozen=True, slots=True)
class Following:
    """The notifications that one caller may see, and no others."""

    _delivery: Delivery
    _places: Places
    _revocations: Revocations
    _feed: Feed
    _credential: str | None
    """What the caller came with, where it can be revoked."""

    async def page(self, since: Cursor | None) -> Page:
        """See `Delivery.page`."""
        return await self._delivery.page(self._feed, since)

    async def next_page(self, since: Cursor | None, wait_seconds: float) -> Page:
        """See `Delivery.next_page`."""
        return await self._delivery.next_page(self._feed, since, wait_seconds)

    def idle_page(self, since: Cursor) -> Page | None:
        """See `Delivery.idle_page`."""
        return self._delivery.idle_page(self._feed.owner, since)

    def next_poll_ms(self, page: Page) -> int:
        """See `Delivery.next_poll_ms`."""
        return self._delivery.next_poll_ms(self._feed.owner, page)

    @property
    def is_closing(self) -> bool:
        """Whether this process is to stop: what waits is to end."""
        return self._delivery.is_closing

    def while_good(self) -> AbstractAsyncContextManager[None]:
        """See `Revocations.while_good`."""
        return self._revocations.while_good(self._credential)

    @contextmanager
    def place(self) -> Generator[None]:
        """Have one of the owner's places to wait in until the end of the block.

        Raises:
            NoPlace: all are taken.
        """
        with self._places.place(self._feed.owner):
            yield
