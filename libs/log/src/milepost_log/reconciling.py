"""Owns what becomes of tasks that the read models call live and Redis does not: those it does not
know, and those that have ended there while the log lacks it. Finds none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from milepost.codec import encode_data
from milepost.cursors import ZERO, StreamId
from milepost.errors import LogUnavailable
from milepost.events import Problem, TaskFailed
from milepost.keys import PartitionKeys, Priority
from milepost.owners import owner_hash
from milepost.task_state import Status
from milepost_log.scripts import Argument, call
from milepost_log.servers import Servers

Mode = Literal["look", "end", "resubmit", "tell"]
"""Only say which are lost; end them as failed; put them into their queues again; tell the ends that
the log lacks, as they were, but for results and reasons, which nobody has."""
Outcome = Status | Literal["known", "unrecorded"]
"""The status afterwards (`look`: as it was); `known`: it lives in Redis too; `unrecorded`: it has
ended there, and what the caller read says that it lives."""

CODE = "lost_in_restore"
MESSAGE = "It was lost when the server's data was restored"
TOLD_MESSAGE = "It failed; why was lost when the server's data was restored"


@dataclass(frozen=True, slots=True)
class LiveTask:
    """A task that has not ended, as the read models have it."""

    owner: str
    id: str
    status: Status
    attempt: int
    failures: int
    crashes: int
    queue: str
    priority: Priority
    created: str
    """Data of the event, as the log had it."""
    created_id: str
    """Stream id of that event."""
    runs_at: int | None
    worker: str | None
    cancel_requested: bool
    trace: str | None


class LogMoved(LogUnavailable):
    """The log is another one than the read models go by."""


def end_of(
    servers: Servers, namespace: str, partition: int, position: StreamId
) -> tuple[str | None, StreamId | None, bool]:
    """The log's name, its last entry, nulls where it has none, and whether it has `position`.

    Raises:
        LogUnavailable: Redis does not answer.
    """
    keys, at = PartitionKeys(namespace, partition), str(position)
    with servers.at(keys.log) as client:
        pipe: Any = client.pipeline(transaction=True)  # pyright: ignore[reportUnknownMemberType]  # untyped
        pipe.hmget(keys.meta, ["log_id", "base"])
        pipe.xrevrange(keys.log, count=1)
        pipe.xrange(keys.log, at, at)
        meta, last, found = pipe.execute()
    name = None if meta[0] is None else meta[0].decode()
    has = position == ZERO or bool(found) or meta[1] == at.encode()
    return name, StreamId.parse(last[0][0]) if last else None, has


def reconcile(
    servers: Servers,
    namespace: str,
    partition: int,
    log_id: str,
    mode: Mode,
    tasks: Sequence[LiveTask],
) -> list[Outcome]:
    """Deal with those of `tasks` that Redis does not know, each in one atomic step, and repeatable.

    Everything in the log has to be in the read models: otherwise some have ended, long ago. For
    `tell`, everything that was in it when they were found `unrecorded`.

    Returns:
        For each what became of it.

    Raises:
        LogMoved: the log has another id; nothing was changed.
        LogUnavailable: no answer; to be repeated.
    """
    keys = PartitionKeys(namespace, partition)
    arguments: list[Argument] = [keys.prefix, log_id, mode]
    for task in tasks:
        arguments += _arguments(task, TOLD_MESSAGE if mode == "tell" else MESSAGE)
    answer = call(servers, "reconcile", [keys.log, keys.meta], arguments)
    if answer[0] != b"ok":
        raise LogMoved(f"the log of partition {partition} is not {log_id}")
    return [
        _outcome(task, word.decode()) for task, word in zip(tasks, answer[1:], strict=True)
    ]  # fmt: skip


def _outcome(task: LiveTask, word: str) -> Outcome:
    if word == "unknown":
        return task.status
    outcome: Outcome = "unrecorded" if word == "ended" else word  # pyright: ignore[reportAssignmentType]  # the script's
    return outcome


def _arguments(task: LiveTask, message: str) -> list[Argument]:
    problem = Problem(code=CODE, message=message, reference=task.id[-12:])
    failed = TaskFailed(error=problem, failures=task.failures)
    return [
        task.owner,
        owner_hash(task.owner),
        task.id,
        task.status,
        task.attempt,
        task.failures,
        task.crashes,
        f"{task.queue}:{task.priority[0]}",
        task.created,
        task.created_id,
        "" if task.runs_at is None else task.runs_at,
        task.worker or "",
        "1" if task.cancel_requested else "",
        task.trace or "",
        encode_data(failed),
    ]
