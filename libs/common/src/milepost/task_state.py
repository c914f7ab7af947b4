"""Owns the task state machine of the write side: which command gives which events. No I/O.

                          cancel                                     dismiss (once)
            +-----------------------------> cancelled ---+         +------------->
            |                                            |         |
    create  |   start            succeed                 |         |
    ------> queued -----> running -------> succeeded ----+--> (ended)
            ^  |            | | |                        |
            |  | (due)      | | |  fail                  |
    scheduled  |            | | +--------> failed -------+
    retrying <-|------------+ |
            ^  |  retry later |
            |  +---<----------+  return (shutdown, worker lost): queued again, or at once an end:
            |                    cancelled if asked to, failed the third time a worker was lost
            +-- a start from `retrying` and `scheduled` once they are due

`running` also takes report, log and cancel (which only asks; who was asked is not retried).
`attempt` is the fence: raised by every start; a report or end of another attempt is refused. The
Lua scripts guard the same way and are held to this module by tests/conformance. One thing is no
command here: what a restored Redis does not know, an operator ends, as failed from any live state
(ADR 0034).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from milepost import events as e
from milepost.errors import Refused
from milepost.events import Payload

Status = Literal["scheduled", "queued", "running", "retrying", "succeeded", "failed", "cancelled"]
ENDED: frozenset[Status] = frozenset(("succeeded", "failed", "cancelled"))
MAX_CRASHES = 3
"""As many workers vanished with one task: then it is the task that kills them (ADR 0016)."""
WAITING: frozenset[Status] = frozenset(("scheduled", "queued", "retrying"))


@dataclass(frozen=True, slots=True)
class TaskState:
    """What the write side has to know of one task."""

    status: Status
    attempt: int = 0
    """Raised by every start; 0 before the first."""
    failures: int = 0
    """Attempts that failed; counts against max_attempts."""
    crashes: int = 0
    """Times its worker vanished."""
    worker: str | None = None
    """Incarnation that runs it; null when not running."""
    progress: float = 0.0
    """Highest percent told within this attempt."""
    cancel_requested: bool = False
    dismissed: bool = False


@dataclass(frozen=True, slots=True)
class CreateTask:
    """Accept a task."""

    created: e.TaskCreated


@dataclass(frozen=True, slots=True)
class StartTask:
    """Begin an attempt on `worker`; repeated by the same worker it changes nothing."""

    worker: str


@dataclass(frozen=True, slots=True)
class ReportProgress:
    """Tell how far an attempt is."""

    attempt: int
    told: e.TaskProgressed


@dataclass(frozen=True, slots=True)
class FinishTask:
    """End an attempt for good."""

    attempt: int
    worker: str
    outcome: e.TaskSucceeded | e.TaskFailed | e.TaskCancelled


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Give up this attempt and ask for another."""

    attempt: int
    worker: str
    outcome: e.TaskRetrying


@dataclass(frozen=True, slots=True)
class ReturnTask:
    """Take a running task from its worker, back into the queue."""

    worker: str
    reason: Literal["shutdown", "worker_lost"]
    reference: str = ""
    """Names the failure to the owner, where this ends the task."""


@dataclass(frozen=True, slots=True)
class CancelTask:
    """Ask to stop: at once where nothing runs yet, by request where it does."""


@dataclass(frozen=True, slots=True)
class DismissTask:
    """Show an ended task no more."""


Command = (
    CreateTask | StartTask | ReportProgress | FinishTask | RetryLater | ReturnTask | CancelTask
    | DismissTask
)  # fmt: skip


def decide(state: TaskState | None, command: Command) -> list[Payload]:
    """Return the events `command` causes; none when it repeats what has already happened.

    Raises:
        Refused: the state machine forbids it.
    """
    if isinstance(command, CreateTask):
        return [command.created] if state is None else []
    if state is None:
        raise Refused("there is no such task")
    match command:
        case StartTask(worker):
            if state.status in WAITING:
                return [e.TaskStarted(worker=worker)]
            if state.status == "running" and state.worker == worker:
                return []
        case ReportProgress(attempt, told):
            if state.status == "running" and state.attempt == attempt:
                return [told.model_copy(update={"progress": max(told.progress, state.progress)})]
        case FinishTask(attempt, worker, outcome):
            if state.attempt == attempt and state.worker == worker:
                return [outcome] if state.status == "running" else []
        case RetryLater(attempt, worker, outcome):
            if state.attempt == attempt and state.worker == worker:
                retried = e.TaskCancelled() if state.cancel_requested else outcome
                return [retried] if state.status == "running" else []
        case ReturnTask(worker, reason, reference):
            if state.status == "running" and state.worker == worker:
                crashes = state.crashes + (reason == "worker_lost")
                returned = e.TaskReturned(reason=reason, worker=worker, crashes=crashes)
                return [returned, *_not_queued_again(state, crashes, reference)]
        case CancelTask():
            if state.status in WAITING:
                return [e.TaskCancelled()]
            if state.status == "running":
                return [] if state.cancel_requested else [e.TaskCancelRequested()]
        case DismissTask():
            if state.status in ENDED:
                return [] if state.dismissed else [e.TaskDismissed()]
    raise Refused(f"the task is {state.status}")


def _not_queued_again(state: TaskState, crashes: int, reference: str) -> list[Payload]:
    """The end of a task that left its worker, where it shall not run again."""
    if state.cancel_requested:
        return [e.TaskCancelled()]
    if crashes < MAX_CRASHES:
        return []
    message = f"Its worker stopped unexpectedly {crashes} times"
    problem = e.Problem(code="worker_lost", message=message, reference=reference)
    return [e.TaskFailed(error=problem, failures=state.failures)]


def evolve(state: TaskState | None, event: Payload) -> TaskState:
    """Return the state after `event`, which the log guarantees to be a legal one."""
    if isinstance(event, e.TaskCreated):
        return TaskState("queued" if event.runs_at is None else "scheduled")
    if state is None:
        raise Refused(f"{event.type} of a task that was never created")
    match event:
        case e.TaskStarted():
            return replace(
                state, status="running", attempt=state.attempt + 1, worker=event.worker,
                progress=0.0,
            )  # fmt: skip
        case e.TaskProgressed():
            return replace(state, progress=event.progress)
        case e.TaskRetrying():
            return replace(state, status="retrying", failures=event.failures)
        case e.TaskReturned():
            return replace(state, status="queued", worker=None, crashes=event.crashes)
        case e.TaskSucceeded():
            return replace(state, status="succeeded", progress=100.0)
        case e.TaskFailed():
            return replace(state, status="failed", failures=event.failures)
        case e.TaskCancelled():
            return replace(state, status="cancelled")
        case e.TaskCancelRequested():
            return replace(state, cancel_requested=True)
        case e.TaskDismissed():
            return replace(state, dismissed=True)
        case _:
            return state


def fold(events: Iterable[Payload], state: TaskState | None = None) -> TaskState | None:
    """Evolve over many events, oldest first."""
    for event in events:
        state = evolve(state, event)
    return state
