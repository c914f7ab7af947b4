"""Owns what requests say besides their body: for whom, by whom, which task, once or again."""

from secrets import token_bytes
from typing import Annotated

from fastapi import Depends, Header, Query, Request

from milepost.events import Actor
from milepost.ids import canonical_task_id, uuid7
from milepost.problems import HttpProblem, field_error
from milepost.tokens import Caller
from milepost.traces import traceparent

MAX_KEY_CHARS = 255

OwnerQuery = Annotated[
    str | None, Query(alias="owner", description="For whom; another needs the scope service")
]


def _idempotency_key(
    request: Request,
    _: Annotated[str | None, Header(alias="Idempotency-Key", description="1..255")] = None,
) -> str | None:
    sent = request.headers.getlist("idempotency-key")
    if not sent:
        return None
    if len(sent) > 1 or not 1 <= len(sent[0]) <= MAX_KEY_CHARS:
        error = field_error(
            ["header", "Idempotency-Key"], f"one, of 1 to {MAX_KEY_CHARS} characters"
        )
        raise HttpProblem(422, "invalid", "Not an Idempotency-Key", errors=[error])
    return sent[0]


IdempotencyKey = Annotated[str | None, Depends(_idempotency_key)]


def _trace(request: Request) -> str | None:
    return traceparent(request.headers.get("traceparent"))


Trace = Annotated[str | None, Depends(_trace)]


def _task_id(task_id: str) -> str:
    checked = canonical_task_id(task_id)
    if checked is None:
        raise unknown_task()
    return checked


PathTaskId = Annotated[str, Depends(_task_id)]


def one_owner(body: str | None, query: str | None) -> str | None:
    """The owner named in the body or the query.

    Raises:
        HttpProblem: 422, they name two.
    """
    if body is not None and query is not None and body != query:
        error = field_error(["query", "owner"], "the body names another")
        raise HttpProblem(422, "invalid", "Two owners", errors=[error])
    return query if body is None else body


def actor(who: Caller) -> Actor | None:
    """Who causes events, where it is not the owner."""
    return Actor("service", who.owner) if "service" in who.scopes else None


def fresh_id(request: Request) -> str:
    """A new task id."""
    return uuid7(int(request.app.state.clock() * 1000), token_bytes(10))


def unknown_task() -> HttpProblem:
    """The answer for what is not there, or another's."""
    return HttpProblem(404, "unknown-task", "No such task")
