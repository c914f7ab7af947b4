"""Owns reading how a partition does: all its counts as of one moment. Read-only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from milepost.cursors import StreamId
from milepost.keys import PartitionKeys
from milepost.task_state import ENDED
from milepost_log.scripts import call_async
from milepost_log.servers import AsyncServers

LIVE = ("scheduled", "queued", "running", "retrying")
_QUEUED = "queued:"


@dataclass(frozen=True, slots=True)
class PartitionFigures:
    """One partition as counted by every step that changed it: `accepted` is always the sum of
    `ended` and `live`."""

    accepted: int
    """Tasks created since the log was made."""
    ended: Mapping[str, int]
    """By outcome."""
    live: Mapping[str, int]
    """By status."""
    backlog: Mapping[str, int]
    """By queue: tasks that are ready to run and not started, wherever they wait. Of queues that
    ever had one."""
    oldest_seconds: Mapping[str, float]
    """By queue: how long the next task has been ready; queues without one are not there."""
    events: int
    """In Redis, what is trimmed not counted."""
    dead_letters: int
    waited_seconds: float | None
    """How long the next event has waited to be projected; 0 when none waits, null when unknown."""


async def figures_of(
    servers: AsyncServers, namespace: str, partition: int, projected: StreamId | None
) -> PartitionFigures:
    """Look at one partition.

    Args:
        projected: up to where events are projected; null when that is not known.

    Raises:
        LogUnavailable: Redis does not answer.
    """
    keys = PartitionKeys(namespace, partition)
    answer = await call_async(
        servers,
        "figures",
        [keys.log, keys.counts, keys.dead],
        [keys.prefix, "" if projected is None else str(projected)],
    )
    counts, events, dead, oldest, waited = answer
    placed = _pairs(counts)
    backlog = {
        place.removeprefix(_QUEUED): number
        for place, number in placed.items()
        if place.startswith(_QUEUED)
    }
    live = {status: placed.get(status, 0) for status in LIVE}
    return PartitionFigures(
        accepted=placed.get("accepted", 0),
        ended={outcome: placed.get(outcome, 0) for outcome in sorted(ENDED)},
        live={**live, "queued": sum(backlog.values())},
        backlog=backlog,
        oldest_seconds={queue: ms / 1000 for queue, ms in _pairs(oldest).items()},
        events=events,
        dead_letters=dead,
        waited_seconds=None if waited < 0 else waited / 1000,
    )


def _pairs(flat: list[Any]) -> dict[str, int]:
    return {flat[i].decode(): int(flat[i + 1]) for i in range(0, len(flat), 2)}
