"""Owns the figures that are true of the whole deployment, which any notify gives to Prometheus.

Whoever scrapes has them read, at most every few seconds and one at a time; what could not be read
is left out, and said to be missing.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from milepost.cursors import StreamId
from milepost.errors import LogUnavailable
from milepost_log.figures import PartitionFigures, figures_of
from milepost_log.servers import AsyncServers
from milepost_notify.oversight import Oversight
from milepost_notify.store import StoreUnavailable

FRESH_SECONDS = 2.0
"""Asked again within this time, nothing is read anew."""
ANSWER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Seen:
    live: Sequence[PartitionFigures] | None = None
    """By partition; null: not all of Redis answered."""
    parked: Mapping[int, int] | None = None
    """By partition that has any; null: the database did not answer."""


@dataclass(slots=True, eq=False)
class DeploymentFigures:
    """A collector; `look` before it is asked."""

    servers: AsyncServers
    namespace: str
    partitions: int
    oversight: Oversight
    workers: Callable[[], int]
    """How many are heard of within a lease."""
    waiting: Callable[[], int]
    """How many requests this process holds open."""
    monotonic: Callable[[], float]
    _seen: _Seen = _Seen()
    _looked_at: float = float("-inf")
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self) -> None:
        """Read everything, unless that was done just now."""
        async with self._turn:
            if self.monotonic() - self._looked_at >= FRESH_SECONDS:
                positions, parked = await self._stored()
                self._seen = _Seen(await self._live(positions), parked)
                self._looked_at = self.monotonic()

    async def _stored(self) -> tuple[dict[int, StreamId], dict[int, int] | None]:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                positions = {at.partition: at.position for at in await self.oversight.checkpoints()}
                return positions, await self.oversight.parked_counts()
        except (StoreUnavailable, TimeoutError):
            return {}, None

    async def _live(self, positions: dict[int, StreamId]) -> list[PartitionFigures] | None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return [
                    await figures_of(self.servers, self.namespace, number, positions.get(number))
                    for number in range(self.partitions)
                ]
        except (LogUnavailable, TimeoutError):
            return None

    def collect(self) -> Iterator[Metric]:
        """See `docs/observability.md`."""
        seen = self._seen
        up = GaugeMetricFamily(
            "milepost_store_up", "Whether the deployment's figures could be read", labels=["store"]
        )
        up.add_metric(["redis"], float(seen.live is not None))
        up.add_metric(["database"], float(seen.parked is not None))
        yield up
        yield GaugeMetricFamily(
            "milepost_waiting_clients", "Long polls and streams held open", self.waiting()
        )
        yield GaugeMetricFamily(
            "milepost_workers", "Workers heard of within a lease", self.workers()
        )
        if seen.parked is not None:
            parked = [seen.parked.get(number, 0) for number in range(self.partitions)]
            yield _by_partition("milepost_parked_events", "Events that wait for a replay", parked)
        if seen.live is not None:
            yield from _tasks(seen.live)
            yield from _logs(seen.live)


def _tasks(live: Sequence[PartitionFigures]) -> Iterator[Metric]:
    ended, standing, backlog = Counter[str](), Counter[str](), Counter[str]()
    oldest = dict[str, float]()
    for each in live:
        ended.update(each.ended)
        standing.update(each.live)
        backlog.update(each.backlog)
        for queue, seconds in each.oldest_seconds.items():
            oldest[queue] = max(oldest.get(queue, 0.0), seconds)
    accepted = sum(each.accepted for each in live)
    yield CounterMetricFamily("milepost_tasks_accepted", "Tasks created in the log", accepted)
    ends = CounterMetricFamily(
        "milepost_tasks_ended", "Tasks that have ended in the log", labels=["outcome"]
    )
    for outcome, count in sorted(ended.items()):
        ends.add_metric([outcome], count)
    yield ends
    waits = dict.fromkeys(backlog, 0.0) | oldest
    for name, text, label, found in (
        ("milepost_tasks_live", "Tasks accepted and not ended", "status", standing),
        ("milepost_queue_backlog", "Tasks ready to run and not started", "queue", backlog),
        ("milepost_queue_oldest_seconds", "Since when the next is ready", "queue", waits),
    ):
        gauge = GaugeMetricFamily(name, text, labels=[label])
        for value, figure in sorted(found.items()):
            gauge.add_metric([value], figure)
        yield gauge


def _logs(live: Sequence[PartitionFigures]) -> Iterator[Metric]:
    events = [each.events for each in live]
    yield _by_partition("milepost_log_events", "Events in Redis", events)
    letters = [each.dead_letters for each in live]
    yield _by_partition("milepost_dead_letters", "Entries that nobody can decode", letters)
    lag = [each.waited_seconds for each in live]
    text = "How long the next event has waited to be projected"
    yield _by_partition("milepost_projector_lag_seconds", text, lag)


def _by_partition(name: str, text: str, found: Sequence[float | None]) -> Metric:
    gauge = GaugeMetricFamily(name, text, labels=["partition"])
    for number, value in enumerate(found):
        if value is not None:
            gauge.add_metric([str(number)], value)
    return gauge
