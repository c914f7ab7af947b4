"""Owns what a worker counts: dramatiq's figures, held to what the log has taken in, and our own.

Import it once `Exposition` is made: dramatiq and prometheus_client look for their folder then.
"""

import threading
import time
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import dramatiq
from dramatiq.broker import MessageProxy
from dramatiq.middleware.prometheus import Prometheus
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from milepost.errors import Cancelled
from milepost_log.attempts import ANYTHING, Bounds, Outcome, Taken
from milepost_log.work import WorkLog
from milepost_worker.broker import QUEUE
from milepost_worker.exposition import Exposition
from milepost_worker.jobs import type_of
from milepost_worker.vitals import Vitals

SAMPLE_SECONDS = 1.0
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Figures(Prometheus):
    """dramatiq's own middleware, with retries and rejects counted where they are known: at the log.

    Retries wait in Redis and not in dramatiq, so that it hears of none.
    """

    def __init__(self, exposition: Exposition) -> None:
        super().__init__()
        self._exposition = exposition
        registry = CollectorRegistry()  # values are read from the files
        self._ended = Counter(
            "milepost_attempts_ended",
            "Attempts whose end the log has taken in: succeeded, failed, cancelled, retrying",
            ["type", "outcome"],
            registry=registry,
        )
        self._calls = Histogram(
            "milepost_log_call_seconds",
            "One call of the log by a worker, whatever the number of tasks in it",
            ["step"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._takeovers = Counter(
            "milepost_lease_takeovers", "Vanished workers whose tasks were queued again",
            registry=registry,
        )  # fmt: skip
        self._taken_over = Counter(
            "milepost_tasks_taken_over", "Tasks queued again since their worker vanished",
            registry=registry,
        )  # fmt: skip
        self._fenced = Counter(
            "milepost_fenced", "Times a worker was taken for dead", registry=registry
        )
        self._opened = False
        gauges = {
            "milepost_tasks_held": "Attempts that workers hold: running, or about to",
            "milepost_outbox_size": "Ends and saved states on their way to the log",
            "milepost_log_away": "Worker processes that cannot reach the log",
        }
        self._gauges = [
            Gauge(name, text, registry=registry, multiprocess_mode="livesum")
            for name, text in gauges.items()
        ]

    def after_process_message(
        self,
        broker: dramatiq.Broker,
        message: MessageProxy,
        *,
        result: Any | None = None,
        exception: BaseException | None = None,
    ) -> None:
        """Count an attempt; one that was cancelled is no error."""
        error = None if isinstance(exception, Cancelled) else exception
        super().after_process_message(broker, message, result=result, exception=error)

    after_skip_message = after_process_message

    def after_nack(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        """Nothing: what failed for good is counted when the log has it."""

    def took_over(self, tasks: int) -> None:
        """Count a vanished worker that had tasks."""
        self._takeovers.inc()
        self._taken_over.inc(tasks)

    def ended(self, ending: Outcome) -> None:
        """Count an end that stands in the log."""
        name = type_of(ending.task)
        self._ended.labels(name, ending.kind).inc()
        if ending.kind == "retrying":
            self.total_retried_messages.labels(QUEUE, name).inc()
        elif ending.kind == "failed":
            self.total_rejected_messages.labels(QUEUE, name).inc()

    @contextmanager
    def timed(self, step: str) -> Generator[None]:
        """Time one call of the log, also one that fails."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._calls.labels(step).observe(time.perf_counter() - began)

    def log(self, *args: Any) -> WorkLog:
        """Make a log, of `WorkLog`'s arguments, that is measured; again for who was fenced."""
        if self._opened:
            self._fenced.inc()
        self._opened = True
        return MeasuredLog(self, *args)

    def begin(self, now: Callable[[], Sequence[float]], health: Vitals) -> None:
        """Look once a second, in a thread of its own, and let others look.

        Args:
            now: attempts held, notes in the outbox, 1 while the log is away.
            health: what probes are told.
        """

        def run() -> None:
            while True:
                for gauge, value in zip(self._gauges, now(), strict=True):
                    gauge.set(value)
                time.sleep(SAMPLE_SECONDS)

        threading.Thread(target=run, name="figures", daemon=True).start()
        self._exposition.serve(health)


class MeasuredLog(WorkLog):
    """A worker's log whose calls are timed and whose ends are counted."""

    def __init__(self, figures: Figures, *args: Any) -> None:
        """Make one; the rest of the arguments are `WorkLog`'s."""
        super().__init__(*args)
        self._figures = figures

    def take(
        self,
        partition: int,
        room: int,
        *,
        holding: bool,
        also: Collection[str] = (),
        outcomes: Sequence[Outcome] = (),
        bounds: Bounds = ANYTHING,
    ) -> Taken:
        """See `WorkLog`."""
        with self._figures.timed("take"):
            taken = super().take(
                partition, room, holding=holding, also=also, outcomes=outcomes, bounds=bounds
            )
        self._count(outcomes, taken.stood)
        return taken

    def finish(self, partition: int, outcomes: Sequence[Outcome]) -> list[bool]:
        """See `WorkLog`."""
        with self._figures.timed("finish"):
            stood = super().finish(partition, outcomes)
        self._count(outcomes, stood)
        return stood

    def take_over(self, partition: int, worker: str, beats: int) -> int:
        """See `WorkLog`."""
        released = super().take_over(partition, worker, beats)
        if released:
            self._figures.took_over(released)
        return released

    def _count(self, outcomes: Sequence[Outcome], stood: Sequence[bool]) -> None:
        for ending, stands in zip(outcomes, stood, strict=True):
            if stands:
                self._figures.ended(ending)
