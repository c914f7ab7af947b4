"""Owns the list of what notify's endpoints work with. Makes none of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import Request

from milepost.cursors import StreamId
from milepost_notify.delivery import Delivery
from milepost_notify.places import Places
from milepost_notify.standing import Standings
from milepost_notify.store import ReadStore
from milepost_service.revocations import Revocations


@dataclass(frozen=True, slots=True)
class Parts:
    """What `main` has wired."""

    reads: ReadStore
    delivery: Delivery
    places: Places
    standings: Standings
    revocations: Revocations
    partitions: int
    now_ms: Callable[[], int]
    created_at: Callable[[str, str], Awaitable[StreamId | None]]
    """Where the log has the creation of (owner, task id); null when it does not know the task."""


def parts_of(request: Request) -> Parts:
    """What this application works with."""
    return request.app.state.parts
