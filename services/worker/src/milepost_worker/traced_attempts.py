"""Owns the span of an attempt: a child of the request that made the task. Sends nothing itself."""

from collections.abc import Callable

from milepost.errors import Cancelled, Retry
from milepost.tracing import Tracer
from milepost_worker.jobs import Job

Run = Callable[[Job], None]


def traced(run: Run, tracer: Tracer) -> Run:
    """Run jobs each in a span of its own; what they submit, and what other code traces in them, is
    below it. It names the task, and of an error the type alone."""

    def run_in_span(job: Job) -> None:
        started = job.started
        about = {
            "milepost.task.id": started.id,
            "milepost.task.type": job.type_name,
            "milepost.task.attempt": started.attempt,
            "milepost.queue": started.queue_key.rpartition(":")[0],
            "milepost.partition": started.partition,
        }
        with tracer.span(f"run {job.type_name}", "consumer", started.trace, about) as span:
            job.trace = span.traceparent
            try:
                run(job)
            except (Cancelled, Retry) as err:
                span.note("milepost.ended_by", type(err).__name__)
                raise
            except BaseException as err:
                span.failed(type(err).__name__)
                raise

    return run_in_span
