"""Owns what operators are shown: everybody's tasks and failures, and how all is. No HTTP.

Who asks is an operator: `milepost_service.auth` has seen to that, and the endpoints write it down.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from milepost.cursors import StreamId
from milepost.keys import PRIORITIES
from milepost.owners import partition_of
from milepost.records import rfc3339
from milepost_log import presence
from milepost_log.figures import figures_of
from milepost_log.paused import joined
from milepost_log.presence import Holding
from milepost_log.servers import AsyncServers
from milepost_notify import present, redis_oversight
from milepost_notify.ends import MINUTE_MS, first_minute, rates
from milepost_notify.oversight import Failure, Overseen, Oversight, Spot, Wanted
from milepost_notify.redis_oversight import LivePartition
from milepost_notify.standing import Standings, observed

Json = dict[str, Any]
_PRIORITIES = {priority[0]: priority for priority in PRIORITIES}
"""As the names of a queue's streams end."""


@dataclass(frozen=True, slots=True)
class Operators:
    """The read models and the log's live side, of all owners."""

    _oversight: Oversight
    _servers: AsyncServers
    _standings: Standings
    _namespace: str
    _partitions: int
    _now_ms: Callable[[], int]

    def position_before(self, seconds: float) -> str:
        """The position of what happened so long ago."""
        return StreamId(max(0, self._now_ms() - round(seconds * 1000)), 0).sortable

    async def tasks(self, wanted: Wanted, *, before: Spot | None, limit: int) -> Json:
        """A page of tasks, newest first, without params and results."""
        page = await self._oversight.tasks(wanted, before=before, limit=limit)
        now_ms = self._now_ms()
        return {
            "tasks": [self._task(each, now_ms) for each in page.rows],
            "before": None if page.before is None else str(page.before),
        }

    async def errors(self, reference: str | None, *, before: Spot | None, limit: int) -> Json:
        """A page of failed attempts, newest first, with exception and traceback."""
        page = await self._oversight.failures(reference, before=before, limit=limit)
        return {
            "errors": [_error(each) for each in page.rows],
            "before": None if page.before is None else str(page.before),
        }

    async def partitions(self) -> list[Json]:
        """How far each partition is projected, and what is in Redis."""
        known = {at.partition: at for at in await self._oversight.checkpoints()}
        parked = await self._oversight.parked_counts()
        shown = list[Json]()
        for live in await self._live():
            at, newest = known.get(live.number), live.last_id
            behind = None
            if at is not None and newest is not None:
                behind = max(0, StreamId.parse(newest).ms - at.position.ms) / 1000
            shown.append(
                {
                    "partition": live.number,
                    "log_id": live.log_id,
                    "events_in_redis": live.events,
                    "newest": newest,
                    "projected": None if at is None else str(at.position),
                    "behind_seconds": behind,
                    "era": None if at is None else at.era,
                    "is_its_log": at is not None and at.log_id == live.log_id,
                    "parked": parked.get(live.number, 0),
                    "dead_letters": live.dead_letters,
                }
            )
        return shown

    async def queues(self) -> list[Json]:
        """What waits in each queue for a free worker, and which are paused."""
        waiting: dict[str, int] = {}
        found = await self._live()
        for live in found:
            for line, count in live.waiting.items():
                waiting[line] = waiting.get(line, 0) + count
        shown: dict[str, Json] = {}
        for line, count in sorted(waiting.items()):
            queue, _, letter = line.rpartition(":")
            of = shown.setdefault(queue, _queue(queue))
            of[_PRIORITIES.get(letter, "normal")] += count
        for pause in joined([live.pauses for live in found]):
            if pause.what == "queue":
                of = shown.setdefault(pause.name, _queue(pause.name))
                of["paused"] = {
                    "since": rfc3339(pause.since_ms),
                    "by": pause.by,
                    "reason": pause.reason,
                }
        for number in range(self._partitions):
            figures = await figures_of(self._servers, self._namespace, number, None)
            for queue, count in figures.backlog.items():
                if count > 0:
                    shown.setdefault(queue, _queue(queue))["backlog"] += count
            for queue, seconds in figures.oldest_seconds.items():
                of = shown.setdefault(queue, _queue(queue))
                of["oldest_seconds"] = max(of["oldest_seconds"] or 0, seconds)
        return sorted(shown.values(), key=lambda each: each["queue"])

    async def workers(self) -> list[Json]:
        """Who works, or did until it vanished, of which build, and what each runs."""
        where, runs = dict[str, list[int]](), dict[str, list[Holding]]()
        builds = await presence.heard_of(self._servers, self._namespace)
        for live in await self._live():
            for worker in live.workers:
                where.setdefault(worker, []).append(live.number)
            for each in await presence.held(self._servers, self._namespace, live.number):
                runs.setdefault(each.worker, []).append(each)
        return [
            {
                "worker": worker,
                "partitions": numbers,
                "vanished_at": rfc3339(self._standings.vanished_at(worker, numbers)),
                "build": builds.get(worker),
                "runs": _runs(runs.get(worker, [])),
            }
            for worker, numbers in sorted(where.items())
        ]

    async def rates(self) -> Json:
        """How many attempts ended in each of the last 60 minutes."""
        now_ms = self._now_ms()
        ended = await self._oversight.ends(first_minute(now_ms) * MINUTE_MS)
        found = rates(ended.counts, now_ms)
        return {"since": rfc3339(ended.since_ms), "bucket_seconds": 60, "rates": found}

    async def dead_letters(self) -> list[Json]:
        """What nobody could read, oldest first in each partition."""
        found = list[Json]()
        for number in range(self._partitions):
            letters = await redis_oversight.dead_letters(self._servers, self._namespace, number)
            found += [asdict(letter) for letter in letters]
        return found

    async def parked(self, limit: int) -> list[Json]:
        """Events that wait for a replay, oldest first."""
        return [
            {
                "partition": row["partition"],
                "event": str(StreamId.from_sortable(row["position"])),
                "owner": row["owner"],
                "task": row["task_id"],
                "reason": row["reason"],
            }
            for row in await self._oversight.parked(limit=limit)
        ]

    async def _live(self) -> list[LivePartition]:
        return [
            await redis_oversight.look(self._servers, self._namespace, number)
            for number in range(self._partitions)
        ]

    def _task(self, seen: Overseen, now_ms: int) -> Json:
        row = seen.row
        standing = observed(self._standings, row)
        shown = present.task_record(row, {}, None, seen.at, now_ms, standing)
        del shown["params"], shown["result"]
        extra = {name: row[name] for name in ("worker", "build", "failures", "crashes")}
        partition = partition_of(row["owner"], self._partitions)
        place = str(Spot(row["created_position"], partition))
        return {**shown, **extra, "partition": partition, "before": place}


def _runs(held: list[Holding]) -> list[Json]:
    return [
        {
            "owner": each.owner,
            "id": each.id,
            "type": each.type,
            "attempt": each.attempt,
            "since": rfc3339(each.since_ms),
        }
        for each in sorted(held, key=lambda each: each.since_ms)
    ]


def _queue(name: str) -> Json:
    return {
        "queue": name,
        **dict.fromkeys(PRIORITIES, 0),
        "backlog": 0,
        "oldest_seconds": None,
        "paused": None,
    }


def _error(failure: Failure) -> Json:
    event, task = failure
    data = present.data_of(event)
    error: Json = data.get("error") or {}
    return {
        "reference": error.get("reference"),
        "code": error.get("code"),
        "message": error.get("message"),
        "detail": data.get("detail"),
        "final": event["type"] == "task.failed",
        "at": rfc3339(event["at_ms"]),
        "attempt": event["attempt"],
        "owner": event["owner"],
        "task": event["task_id"],
        "type": None if task is None else task["type"],
        "title": None if task is None else task["title"],
        "status": None if task is None else task["status"],
    }
