"""Owns the actors: task definitions as dramatiq runs them. Knows no Redis."""

from collections.abc import Callable, Iterable
from typing import Any

import dramatiq

from milepost.definitions import TaskDefinition, is_async
from milepost.errors import Cancelled, Fail, Retry
from milepost.running import RunningTask, running
from milepost_worker.broker import QUEUE
from milepost_worker.interrupts import interruptible, run_async
from milepost_worker.jobs import Job


def declare(broker: dramatiq.Broker, definitions: Iterable[TaskDefinition[Any, Any]]) -> None:
    """Make an actor of every definition."""
    for definition in definitions:
        limit = definition.time_limit_seconds
        options: dict[str, Any] = {} if limit is None else {"time_limit": limit * 1000}
        broker.declare_actor(  # pyright: ignore[reportUnknownMemberType]  # untyped
            dramatiq.Actor(
                _runner(definition),
                broker=broker,
                actor_name=definition.name,
                queue_name=QUEUE,
                priority=0,
                options={"throws": (Fail, Retry, Cancelled), **options},
            )
        )


def _runner(definition: TaskDefinition[Any, Any]) -> Callable[[Job], None]:
    waits = is_async(definition)

    def run(job: Job) -> None:
        started = job.started
        token = running.set(
            RunningTask(
                started.id,
                definition.name,
                started.owner,
                started.attempt,
                job.progress,
                started.trace,
            )
        )
        try:
            arguments = definition.arguments(job.params(), job.progress)
            job.ran, job.is_async = True, waits
            if job.progress.cancelled:
                raise Cancelled
            with interruptible(job):
                result = definition.function(**arguments)
                job.result = run_async(job, result) if waits else result
        finally:
            running.reset(token)

    return run
