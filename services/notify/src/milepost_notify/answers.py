"""Owns what the endpoints share: cursors and ids out of requests, answers as JSON. Knows no route."""

from typing import Any, NoReturn

from fastapi import Response
from pydantic_core import to_json

from milepost.cursors import Cursor
from milepost.errors import InvalidCursor
from milepost.ids import canonical_task_id
from milepost.problems import HttpProblem
from milepost.tokens import Caller
from milepost_service.auth import may_see

NOT_FOUND = "There is no such task"


def json_answer(body: object) -> Response:
    """A JSON answer, made without a model: the shapes are plain already."""
    return Response(to_json(body, inf_nan_mode="null"), media_type="application/json")


def cursor_of(name: str, text: str | None) -> Cursor | None:
    """The cursor in a query parameter; empty counts as none.

    Raises:
        HttpProblem: 422, it never was one.
    """
    if not text:
        return None
    try:
        return Cursor.parse(text)
    except InvalidCursor as err:
        raise HttpProblem(
            422, "invalid", "Not a cursor", errors=[{"loc": ["query", name], "msg": "not a cursor"}]
        ) from err


def visible_id(who: Caller, text: str) -> str:
    """A task id out of a path, in its stored spelling.

    Raises:
        HttpProblem: 404, it is none, or not one that these credentials may see.
    """
    task_id = canonical_task_id(text)
    if task_id is None or not may_see(who, task_id):
        not_found()
    return task_id


def not_found() -> NoReturn:
    """What is another's is not there: the answer is the same.

    Raises:
        HttpProblem: 404.
    """
    raise HttpProblem(404, "not-found", NOT_FOUND)


def unavailable(detail: str) -> HttpProblem:
    """503 with the advice to come again."""
    return HttpProblem(
        503, "unavailable", "Not available just now", detail, headers={"Retry-After": "1"}
    )


def page_of(found: list[Any], limit: int) -> tuple[list[Any], bool]:
    """At most `limit` of what was found, and whether there is more."""
    return found[:limit], len(found) > limit
