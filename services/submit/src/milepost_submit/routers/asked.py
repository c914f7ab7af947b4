"""Owns what requests say besides their body: for whom, by whom, which task, once or again."""

from secrets import token_bytes
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from pydantic import WithJsonSchema

from milepost.ids import canonical_task_id, uuid7
from milepost.problems import HttpProblem, field_error
from milepost.settings import Settings
from milepost_service.described import OWNER
from milepost_submit.limits import TaskLimits
from milepost_submit.requests import BatchRequest

MAX_KEY_CHARS = 255

OwnerQuery = Annotated[
    str | None,
    Query(alias="owner", description="For whom; another needs the scope service"),
    WithJsonSchema({"type": "string", **OWNER}),
]


async def _one_key(
    request: Request,
    key: Annotated[
        str | None, Header(alias="Idempotency-Key", min_length=1, max_length=MAX_KEY_CHARS)
    ] = None,
) -> str | None:
    if len(request.headers.getlist("idempotency-key")) > 1:
        error = field_error(["header", "Idempotency-Key"], "sent more than once")
        raise HttpProblem(422, "invalid", "More than one Idempotency-Key", errors=[error])
    return key


IdempotencyKey = Annotated[str | None, Depends(_one_key)]


async def _task_id(task_id: str) -> str:
    checked = canonical_task_id(task_id)
    if checked is None:
        raise unknown_task()
    return checked


PathTaskId = Annotated[str, Depends(_task_id)]


def settings_of(request: Request) -> Settings:
    """The settings of this application."""
    return request.app.state.settings


def limits_of(settings: Settings) -> TaskLimits:
    """How much a task may have."""
    return TaskLimits(
        settings.max_params_bytes,
        settings.max_title_chars,
        settings.max_tags,
        settings.max_tag_chars,
    )


def one_owner(body: str | None, query: str | None) -> str | None:
    """The owner named in the body or the query.

    Raises:
        HttpProblem: 422, they name two.
    """
    if body is not None and query is not None and body != query:
        error = field_error(["query", "owner"], "the body names another")
        raise HttpProblem(422, "invalid", "Two owners", errors=[error])
    return query if body is None else body


def batch_owner(body: BatchRequest, query: str | None) -> tuple[str | None, list[str | int]]:
    """The owner whom a batch names, itself or by its first item, and where.

    Raises:
        HttpProblem: 422, it names two.
    """
    named = one_owner(body.owner, query)
    if named is not None:
        return named, ["query" if body.owner is None else "body", "owner"]
    item = body.tasks[0]
    first = item.get("owner") if isinstance(item, dict) else None
    return first if isinstance(first, str) else None, ["body", "tasks", 0, "owner"]


def fresh_id(request: Request) -> str:
    """A new task id."""
    return uuid7(int(request.app.state.clock() * 1000), token_bytes(10))


def unknown_task() -> HttpProblem:
    """The answer for what is not there, or another's."""
    return HttpProblem(404, "unknown-task", "No such task")


def refused(status: str) -> HttpProblem:
    """The answer for what the task's state forbids."""
    return HttpProblem(409, "refused", f"The task is {status}")
