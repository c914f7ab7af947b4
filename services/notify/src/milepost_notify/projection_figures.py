"""Owns the figures of what this process has projected, as Prometheus collects them."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import TypeVar

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from milepost_notify.histograms import Histogram
from milepost_notify.measures import Kind, Measures
from milepost_notify.supervisor import Supervised

MOST_KINDS = 500
"""So many kinds have figures of their own; further ones are counted together."""
OTHER = Kind("other", "other")
Key = TypeVar("Key", bound=Hashable)
_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_LONG = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)


class ProjectionFigures:
    """Counts of this process since it began; a collector. Only the event loop's thread writes."""

    def __init__(self) -> None:
        """Start at zero."""
        self.supervised: Sequence[Supervised] = ()
        """The projectors of this process."""
        self._events = Counter[str]()
        self._waits: dict[Kind, Histogram] = {}
        self._runs: dict[tuple[Kind, str], Histogram] = {}
        self._visible, self._saves = Histogram(_QUICK), Histogram(_QUICK)

    def saved(self, measures: Measures, *, seconds: float, since_read: float) -> None:
        """Count a batch that everybody can read now.

        Args:
            seconds: how long saving and announcing took.
            since_read: how long ago it was read from the log, in seconds.
        """
        self._events.update(measures.events)
        self._saves.observe(seconds)
        visible = self._visible.observe
        for age in measures.ages:
            visible(age + since_read)
        for kind, waited in measures.waits:
            _of(self._waits, kind, OTHER).observe(waited)
        for kind, outcome, took in measures.runs:
            _of(self._runs, (kind, outcome), (OTHER, outcome)).observe(took)

    def collect(self) -> Iterator[Metric]:
        """See `docs/observability.md`."""
        events = CounterMetricFamily(
            "milepost_events_projected", "Events saved in the read models", labels=["event"]
        )
        for event, count in sorted(self._events.items()):
            events.add_metric([event], count)
        yield events
        waits = HistogramMetricFamily(
            "milepost_task_wait_seconds", "From due to the first start", labels=["queue", "type"]
        )
        for kind, histogram in list(self._waits.items()):
            waits.add_metric(list(kind), histogram.buckets(), histogram.total)
        yield waits
        runs = HistogramMetricFamily(
            "milepost_task_run_seconds",
            "From an attempt's start to its end",
            labels=["queue", "type", "outcome"],
        )
        for (kind, outcome), histogram in list(self._runs.items()):
            runs.add_metric([*kind, outcome], histogram.buckets(), histogram.total)
        yield runs
        for name, text, histogram in (
            ("visible", "From an event's entry into the log until it can be read", self._visible),
            ("projection", "One batch: its transaction and announcement", self._saves),
        ):
            family = HistogramMetricFamily(f"milepost_{name}_seconds", text, labels=[])
            family.add_metric([], histogram.buckets(), histogram.total)
            yield family
        yield self._partitions()

    def _partitions(self) -> Metric:
        up = GaugeMetricFamily(
            "milepost_partition_up",
            "Whether a partition of ours is projected",
            labels=["partition"],
        )
        for each in self.supervised:
            if each.ours:
                up.add_metric([str(each.partition)], float(each.state == "ok"))
        return up


def _of(histograms: dict[Key, Histogram], key: Key, other: Key) -> Histogram:
    """The histogram of a key; that of `other` where there are too many to have another."""
    found = histograms.get(key)
    if found is None:
        if len(histograms) >= MOST_KINDS:
            key = other
        found = histograms.setdefault(key, Histogram(_LONG))
    return found
