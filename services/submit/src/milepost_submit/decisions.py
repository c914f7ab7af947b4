"""Owns what becomes of a request for a task: the event to append, or why not. No I/O, no clock."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from milepost import bulk
from milepost.events import TaskCreated
from milepost.keys import Priority
from milepost.problems import FieldError, field_error
from milepost.task_types import TaskType
from milepost_log.commands import NewTask
from milepost_submit.limits import TaskLimits
from milepost_submit.params import ParamsSchema
from milepost_submit.refusals import Refusal
from milepost_submit.requests import BulkRequest, TaskRequest


@dataclass(frozen=True, slots=True)
class Offered:
    """A task type that workers have announced."""

    type: TaskType
    schema: ParamsSchema


@dataclass(frozen=True, slots=True)
class Original:
    """An ended task that is to be run again."""

    id: str
    status: str
    type: str
    title: str
    tags: tuple[str, ...]
    priority: Priority
    params: dict[str, Any]
    dismissed: bool = False


def find_type(types: Mapping[str, Offered], name: str, *, by_code: bool) -> Offered:
    """Look a type up as this caller may use it.

    Raises:
        Refusal: 404, nobody has announced it, or it is for applications' backends or operators
            alone.
    """
    offered = types.get(name)
    if offered is None or name == bulk.TYPE or not (offered.type.public or by_code):
        error = field_error(["type"], "no such task type")
        raise Refusal(404, "unknown-type", "No such task type", [error])
    return offered


def decide_new(
    request: TaskRequest,
    offered: Offered,
    *,
    fresh_id: str,
    limits: TaskLimits,
    parent: str | None = None,
    idempotency_key: str | None = None,
) -> NewTask:
    """Accept a request for a task.

    Args:
        fresh_id: the task's id when the client sent none.
        parent: the task whose code asks.

    Raises:
        Refusal: 422, something is too large, or params are not what the type's schema asks for.
    """
    _check_texts(request, limits)
    _check_params(request.params, offered, limits.params_bytes)
    task_type = offered.type
    created = TaskCreated(
        task_type=task_type.name,
        title=request.title or task_type.title,
        queue=task_type.queue,
        priority=request.priority,
        params=request.params,
        tags=tuple(request.tags),
        quiet_after_seconds=task_type.quiet_after_seconds,
        parent=parent,
    )
    delay_ms = round((request.delay_seconds or 0) * 1000)
    # Without defaults: a field added later leaves the fingerprints of older requests alone.
    asked = request.model_dump(exclude_defaults=True, exclude={"owner"})
    return NewTask(
        id=request.id or fresh_id,
        fingerprint=fingerprint(asked),
        created=created,
        delay_ms=delay_ms or None,
        idempotency_key=idempotency_key,
    )


def decide_bulk(
    request: BulkRequest,
    types: Mapping[str, Offered],
    *,
    fresh_id: str,
    limits: TaskLimits,
    idempotency_key: str | None = None,
) -> NewTask:
    """Accept an operator's bulk action: nobody else gets a task of this type, by no other way.

    Raises:
        Refusal: 404, no worker has announced the type.
    """
    offered = types.get(bulk.TYPE)
    if offered is None:
        raise Refusal(404, "unknown-type", "No worker has announced the type of bulk actions")
    params = request.model_dump(exclude_none=True)
    title = f"{_BULK_TITLES[request.action]}{' (dry run)' if request.dry_run else ''}"
    asked = TaskRequest(type=bulk.TYPE, params=params, title=title, tags=[])
    return decide_new(
        asked, offered, fresh_id=fresh_id, limits=limits, idempotency_key=idempotency_key
    )


_BULK_TITLES: Mapping[bulk.Action, str] = {
    "cancel": "Cancel many tasks",
    "retry": "Retry many tasks",
    "redrive": "Redrive many tasks",
}


def decide_retry(
    original: Original,
    offered: Offered,
    *,
    fresh_id: str,
    limits: TaskLimits,
    idempotency_key: str | None = None,
) -> NewTask:
    """Accept that an ended task is run again, as a new one.

    Raises:
        Refusal: 409 unless it failed or was cancelled, 422 when its params suit the type no more.
    """
    if original.status not in ("failed", "cancelled"):
        raise Refusal(409, "refused", f"The task is {original.status}")
    _check_params(original.params, offered, limits.params_bytes)
    created = TaskCreated(
        task_type=offered.type.name,
        title=original.title,
        queue=offered.type.queue,
        priority=original.priority,
        params=original.params,
        tags=original.tags,
        quiet_after_seconds=offered.type.quiet_after_seconds,
        retry_of=original.id,
    )
    return NewTask(
        id=fresh_id,
        fingerprint=fingerprint({"retry_of": original.id}),
        created=created,
        idempotency_key=idempotency_key,
    )


def fingerprint(request: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of a request; the order of names does not matter."""
    text = json.dumps(request, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def _check_texts(request: TaskRequest, limits: TaskLimits) -> None:
    errors: list[FieldError] = []
    if request.title is not None and len(request.title) > limits.title_chars:
        errors.append(field_error(["title"], f"at most {limits.title_chars} characters"))
    if len(request.tags) > limits.tags:
        errors.append(field_error(["tags"], f"at most {limits.tags}"))
    errors += [
        field_error(["tags", index], f"at most {limits.tag_chars} characters")
        for index, tag in enumerate(request.tags)
        if len(tag) > limits.tag_chars
    ]
    if errors:
        raise Refusal(422, "invalid", "Longer than is allowed here", errors)


def _check_params(params: dict[str, Any], offered: Offered, max_bytes: int) -> None:
    size = len(json.dumps(params, separators=(",", ":"), ensure_ascii=False).encode())
    if size > max_bytes:
        error = field_error(["params"], f"{size} bytes of JSON, at most {max_bytes}")
        raise Refusal(422, "invalid", "The params are too large", [error])
    errors = offered.schema.errors(params)
    if errors:
        raise Refusal(422, "invalid", f"Not what {offered.type.name} takes", errors)
