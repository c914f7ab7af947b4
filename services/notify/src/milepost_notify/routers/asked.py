"""Owns what the endpoints share: cursors and ids out of requests, JSON answers. Knows no route."""

import re
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated

from fastapi import Query, Response
from pydantic import BeforeValidator, StringConstraints, WithJsonSchema
from pydantic_core import to_json

from milepost.cursors import Cursor
from milepost.errors import InvalidCursor
from milepost.problems import HttpProblem, field_error
from milepost_notify.following import Following
from milepost_notify.places import NoPlace
from milepost_service.auth import unauthorized
from milepost_service.described import NO_CONTROLS, NO_CURSOR_YET, OWNER
from milepost_service.revocations import CredentialRevoked

_PLAIN = re.compile(r"[0-9]{1,10}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?")  # as JSON writes it

SinceQuery = Annotated[
    str | None,
    Query(description="A cursor; none: the current state"),
    WithJsonSchema({"type": "string", **NO_CURSOR_YET}),
]
CursorQuery = Annotated[str | None, Query(), WithJsonSchema({"type": "string", **NO_CURSOR_YET})]
RevisionQuery = Annotated[
    str | None,
    Query(description="A `revision` it has to contain"),
    WithJsonSchema({"type": "string", **NO_CURSOR_YET}),
]
Filter = Annotated[str, StringConstraints(pattern=NO_CONTROLS)]
TagQuery = Annotated[Filter | None, Query(description="Only tasks that have it")]
TypeQuery = Annotated[Filter | None, Query(description="Only tasks of it")]


def _plain(value: object) -> object:
    """A number as JSON has it; what Python takes besides (`+5`, `1_0`, ` 7`) nobody else does."""
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        raise ValueError("not a plain number")
    return value


Plain = BeforeValidator(_plain)
Limit = Annotated[int, Query(ge=1, le=1000), Plain]
OwnerQuery = Annotated[
    str | None,
    Query(description="Whose; another's needs the scope service"),
    WithJsonSchema({"type": "string", **OWNER}),
]


def json_answer(body: object) -> Response:
    """A JSON answer, made without a model: the shapes are plain already."""
    return Response(to_json(body, inf_nan_mode="null"), media_type="application/json")


def cursor_of(name: str, text: str | None, *, place: str = "query") -> Cursor | None:
    """The cursor in a query parameter or header; empty counts as none.

    Raises:
        HttpProblem: 422, it never was one.
    """
    if not text:
        return None
    try:
        return Cursor.parse(text)
    except InvalidCursor as err:
        raise HttpProblem(
            422, "invalid", "Not a cursor", errors=[field_error([place, name], "not a cursor")]
        ) from err


@asynccontextmanager
async def while_good(following: Following) -> AsyncGenerator[None]:
    """Wait no longer than the caller's credentials are good.

    Raises:
        HttpProblem: 401, they were revoked.
    """
    try:
        async with following.while_good():
            yield
    except CredentialRevoked as err:
        raise unauthorized("They were revoked.", invalid=True) from err


def unknown_task() -> HttpProblem:
    """What is another's is not there: the answer is the same."""
    return HttpProblem(404, "unknown-task", "No such task")


def unavailable(detail: str) -> HttpProblem:
    """503 with the advice to come again."""
    return HttpProblem(
        503, "unavailable", "Not available just now", detail, headers={"Retry-After": "1"}
    )


def too_many(detail: str) -> HttpProblem:
    """429 with the advice to come later."""
    return HttpProblem(429, "too-many", "Too many at once", detail, headers={"Retry-After": "5"})


@contextmanager
def place_of(following: Following) -> Generator[None]:
    """One of the owner's places to wait in, until the end of the block.

    Raises:
        HttpProblem: 429, all are taken.
    """
    try:
        with following.place():
            yield
    except NoPlace as err:
        raise too_many(f"{err}.") from err
