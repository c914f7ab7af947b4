"""Owns running a task in a test, over all its attempts, to its end. Waits for nothing."""

from collections.abc import Mapping
from itertools import chain, repeat
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from milepost.definitions import TaskDefinition
from milepost.endings import Endings, Tried
from milepost.errors import InvalidValue
from milepost.events import TaskCreated
from milepost.ids import uuid7
from milepost.settings import Settings
from milepost.testing.attempt import Attempt
from milepost.testing.calling import call
from milepost.testing.finished_run import FinishedRun
from milepost.testing.memory_log import MemoryLog
from milepost.testing.plan import At, Faults, TimeLimitExceeded, WorkerDied, check_came_true, plan


def run(
    task: TaskDefinition[..., Any],
    params: Mapping[str, Any] | None = None,
    /,
    *,
    owner: str = "somebody",
    crash_at: At = None,
    shut_down_at: At = None,
    time_out_at: At = None,
    cancel_at: At = None,
    chance: float = 0.5,
    **more_params: Any,
) -> FinishedRun:
    """Run a task to its end as a worker would, on a clock that jumps from attempt to attempt.

    A note, by which things happen, is a call of `report`, `log`, `save` or `step`, or an item of
    `track` that is done. A number is a note of the first attempt; a sequence has one for each
    attempt, null for none.

    Args:
        params: the task's params by name; those not named like an argument here may be keywords.
        crash_at: the worker dies when this note would be made, before it is told or kept.
        shut_down_at: the same by a worker that is stopped, and hands the task back.
        time_out_at: the time limit is over when this note would be made.
        cancel_at: the owner asks to stop after this note; 0: before the attempt starts.
        chance: the jitter of back-offs, from 0 (no pause) up to 1 (the longest).

    Raises:
        InvalidValue: JSON cannot say the params, or something was to happen at a note that was
            never made.
    """
    faults = plan(
        crash_at=crash_at, shut_down_at=shut_down_at, time_out_at=time_out_at, cancel_at=cancel_at
    )
    log = MemoryLog()
    task_id = uuid7(log.clock.now_ms, bytes(10))
    log.create(owner, task_id, _created(task, {**(params or {}), **more_params}))
    endings = Endings(_default("max_result_bytes"), chance=lambda: chance)
    attempts: list[Attempt] = []
    raised: list[BaseException] = []
    notes: list[int] = []
    for fault in chain(faults, repeat(Faults())):
        due_ms = log.next_due_ms()
        if due_ms is None:
            break
        if fault.cancel_at == 0:
            log.cancel(owner, task_id)
            notes.append(0)
            break
        log.clock.jump(due_ms)
        started = log.take(f"worker-{len(notes) + 1}", queue=task.announcement.queue)
        assert started is not None
        attempt = Attempt(log, started, fault, max_log_lines=_default("max_log_lines"))
        attempts.append(attempt)
        raised += _run_attempt(task, attempt, endings, log)
        notes.append(attempt.notes)
    check_came_true(faults, notes, raised[-1] if raised else None)
    saved = [attempt.state for attempt in attempts if attempt.kept]
    return FinishedRun(
        id=task_id,
        events=tuple(log.events),
        notes=tuple(attempt.notes for attempt in attempts),
        saved=saved[-1] if saved else None,
        exception=raised[-1] if raised else None,
    )


def _run_attempt(
    task: TaskDefinition[..., Any], attempt: Attempt, endings: Endings, log: MemoryLog
) -> list[BaseException]:
    """Run one attempt to its end; what its function raised, if anything."""
    started = attempt.started
    tried = Tried(started.failures, task.max_attempts, f"{started.attempt:08x}")
    raised: list[BaseException] = []
    ending = None
    try:
        ending = endings.returned(call(task, attempt), tried)
    except (Exception, SystemExit, TimeLimitExceeded) as err:  # the others are for the test itself
        raised = [err]
        ending = endings.raised(err, tried)
    except WorkerDied:
        assert attempt.lost is not None
    if attempt.lost is not None:  # whatever the dead code made of it
        log.release(started.worker, attempt.lost)
        return []
    assert ending is not None
    attempt.end(ending)
    return raised


def _created(task: TaskDefinition[..., Any], params: Mapping[str, Any]) -> TaskCreated:
    try:
        stored = from_json(to_json(params), allow_inf_nan=False)
    except (PydanticSerializationError, ValueError) as err:
        raise InvalidValue(f"params that JSON cannot say: {err}") from err
    about = task.announcement
    return TaskCreated(
        task_type=about.name, title=about.title, queue=about.queue, params=stored,
        quiet_after_seconds=about.quiet_after_seconds,
    )  # fmt: skip


def _default(name: str) -> int:
    """A limit as deployments have it unless told otherwise."""
    return Settings.model_fields[name].default
