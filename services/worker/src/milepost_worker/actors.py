"""Owns the actors: task definitions as dramatiq runs them. Knows no Redis."""

from collections.abc import Callable, Iterable
from typing import Any

import dramatiq

from milepost.definitions import TaskDefinition, is_async
from milepost.errors import Cancelled, Fail, Retry
from milepost.running import RunningTask, running
from milepost.tracing import Tracer
from milepost_worker.broker import QUEUE
from milepost_worker.interrupts import interruptible, run_async
from milepost_worker.jobs import Job
from milepost_worker.traced_attempts import traced


def declare(
    broker: dramatiq.Broker,
    definitions: Iterable[TaskDefinition[Any, Any]],
    tracer: Tracer | None = None,
) -> None:
    """Make an actor of every definition; with a tracer each attempt is a span."""
    for definition in definitions:
        limit = definition.time_limit_seconds
        options: dict[str, Any] = {} if limit is None else {"time_limit": limit * 1000}
        broker.declare_actor(  # pyright: ignore[reportUnknownMemberType]  # untyped
            dramatiq.Actor(
                _runner(definition) if tracer is None else traced(_runner(definition), tracer),
                broker=broker,
                actor_name=definition.name,
                queue_name=QUEUE,
                priority=0,
                options={"throws": (Fail, Retry, Cancelled), **options},
            )
        )


def _runner(definition: TaskDefinition[Any, Any]) -> Callable[[Job], None]:
    waits, limit = is_async(definition), definition.time_limit_seconds

    def run(job: Job) -> None:
        started = job.started
        token = running.set(
            RunningTask(
                started.id,
                definition.name,
                started.owner,
                started.attempt,
                job.progress,
                job.trace,
            )
        )
        try:
            arguments = definition.arguments(job.params(), job.progress)
            job.ran, job.is_async = True, waits
            if job.progress.cancelled:
                raise Cancelled
            with interruptible(job):
                result = definition.function(**arguments)
                job.result = run_async(job, result, limit) if waits else result
        finally:
            running.reset(token)

    return run
