"""Owns what operators are shown of the log's live side: lengths, queues, who works. Reads only."""

from dataclasses import dataclass
from typing import Any, cast

from milepost.keys import PartitionKeys
from milepost_log.dead_letters import DeadLetter, letter_of
from milepost_log.paused import Pause, read_all
from milepost_log.servers import AsyncServers
from milepost_log.standings import census_of

MOST_LETTERS = 1000


@dataclass(frozen=True, slots=True)
class LivePartition:
    """One partition as Redis has it."""

    number: int
    log_id: str | None
    """Null: it has none yet."""
    last_id: str | None
    """Stream id of the newest event; null where there is none."""
    events: int
    """In Redis, what is trimmed not counted."""
    dead_letters: int
    waiting: dict[str, int]
    """`queue:priority letter` -> entries nobody has taken."""
    pauses: list[Pause]
    """What operators have paused here."""
    workers: frozenset[str]
    """Incarnations with a lease here."""


async def look(servers: AsyncServers, namespace: str, number: int) -> LivePartition:
    """Look at one partition.

    Raises:
        LogUnavailable: Redis does not answer.
    """
    keys = PartitionKeys(namespace, number)
    census = await census_of(servers, namespace, number)
    async with servers.at(keys.log) as client:
        pipe: Any = client.pipeline(transaction=False)  # pyright: ignore[reportUnknownMemberType]  # untyped
        pipe.hget(keys.meta, "log_id")
        pipe.xlen(keys.log)
        pipe.xlen(keys.dead)
        pipe.xrevrange(keys.log, count=1)
        pipe.hgetall(keys.paused)
        log_id, events, dead, newest, paused = cast(list[Any], await pipe.execute())
    return LivePartition(
        number,
        None if log_id is None else log_id.decode(),
        newest[0][0].decode() if newest else None,
        events,
        dead,
        census.waiting,
        read_all(paused),
        frozenset(census.beats),
    )


async def dead_letters(servers: AsyncServers, namespace: str, number: int) -> list[DeadLetter]:
    """The letters of one partition, oldest first, MOST_LETTERS at most.

    Raises:
        LogUnavailable: Redis does not answer.
    """
    name = PartitionKeys(namespace, number).dead
    async with servers.at(name) as client:
        seconds, _ = cast(tuple[int, int], await client.time())  # pyright: ignore  # untyped
        rows = cast(list[Any], await client.xrange(name, count=MOST_LETTERS))  # pyright: ignore  # untyped
    return [letter_of(number, row, seconds) for row in rows]
