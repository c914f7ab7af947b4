"""Owns the spans of projecting: a task's trace goes on until everybody can read what happened."""

from collections.abc import Sequence

from milepost.tracing import Tracer
from milepost_notify.measures import Traced


class ProjectionTraces:
    """Tells of batches that were saved."""

    def __init__(self, tracer: Tracer) -> None:
        """By `tracer`."""
        self._tracer = tracer

    def saved(self, partition: int, traced: Sequence[Traced], read_ms: int, saved_ms: int) -> None:
        """Tell of a batch: a span of its own with links to the traces in it, and in each of these
        how long the task was queued, and how long its event was on its way.

        Args:
            read_ms: when it was read from the log, by Redis' clock.
            saved_ms: when everybody could read it.
        """
        tracer = self._tracer
        about = {"milepost.partition": partition, "milepost.traced_events": len(traced)}
        links = list(dict.fromkeys(each.trace for each in traced))
        batch = tracer.past("project batch", None, read_ms, saved_ms, about, links=links)
        for each in traced:
            if each.due_ms is not None:
                waited = {"milepost.queue": each.queue, "milepost.task.type": each.type}
                tracer.past(f"queued {each.queue}", each.trace, each.due_ms, each.at_ms, waited)
            shown = {"milepost.task.id": each.task, "milepost.event": each.event}
            tracer.past(
                f"project {each.event}", each.trace, each.at_ms, saved_ms, shown, links=[batch]
            )
