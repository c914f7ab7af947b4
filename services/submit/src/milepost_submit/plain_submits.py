"""Owns the short way of a plain `POST /tasks`. Refuses nothing: what it does not take it passes on.

Finding out what FastAPI would do with such a request costs more than doing it. Whatever is not the
plainest form of it, or not in order, goes the long way, which says why; both give the same answer.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

from fastapi import Request, Response
from pydantic import ValidationError
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from milepost.callers import Caller
from milepost.problems import HttpProblem
from milepost_service import failures, strict_json
from milepost_service.auth import known_writer
from milepost_service.bodies import BodyRoom
from milepost_submit.parts import parts_of
from milepost_submit.refusals import Refusal
from milepost_submit.requests import TaskRequest
from milepost_submit.routers.appending import append_one, decided
from milepost_submit.routers.asked import settings_of

SHORT_BYTES = 64 * 1024
"""Larger bodies go the long way, which reads them in a thread."""
_JSON = frozenset((b"application/json", b"application/json; charset=utf-8"))
_LONG_WAY = frozenset((b"idempotency-key", b"content-encoding"))


class PlainSubmits:
    """Stands before the router."""

    def __init__(self, app: ASGIApp, route: BaseRoute) -> None:
        """`route` is the endpoint's, as which these answers are counted."""
        self._app, self._route = app, route
        self._path: str = getattr(route, "path", "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on together with the body as far as it has been read."""
        if scope["type"] != "http" or scope["path"] != self._path or not _is_plain(scope):
            return await self._app(scope, receive, send)
        request = Request(scope, receive)
        try:
            who = known_writer(request)
        except HttpProblem:
            who = None
        if who is None:
            return await self._app(scope, receive, send)
        async with _body(request, receive) as (raw, again):
            try:
                answer = None if raw is None else await self._answer(request, who, raw)
            except Exception as err:
                answer = await failures.response_to(request, err)
            if answer is None:
                return await self._app(scope, again, send)
            scope["route"] = self._route
            return await answer(scope, again, send)

    @staticmethod
    async def _answer(request: Request, who: Caller, raw: bytes) -> Response | None:
        """Accept the task; null, and nothing has happened, where there is something to refuse."""
        try:
            depth = settings_of(request).max_json_depth
            body = TaskRequest.model_validate(strict_json.loads(raw, depth))
            owned = parts_of(request).commands.of(request, who, body.owner)
            task = await decided(request, owned, body)
        except (strict_json.NotJson, ValidationError, HttpProblem, Refusal):
            return None
        answer, status, headers = await append_one(owned, task, may_repeat=body.id is not None)
        return Response(answer.model_dump_json(), status, headers, "application/json")


def _is_plain(scope: Scope) -> bool:
    if scope["method"] != "POST" or scope["query_string"]:
        return False
    kind, size = b"", b""
    for name, value in scope["headers"]:
        if name in _LONG_WAY:
            return False
        if name == b"content-type":
            kind = value
        elif name == b"content-length":
            size = value
    return kind in _JSON and size.isdigit() and len(size) < 9 and 0 < int(size) <= SHORT_BYTES


@asynccontextmanager
async def _body(request: Request, receive: Receive) -> AsyncGenerator[tuple[bytes | None, Receive]]:
    """A body, for which there is room until the end of the block, else null; and the way to
    receive all of it again."""
    most, received, raw = settings_of(request).max_body_bytes, list[Message](), b""

    async def again() -> Message:
        return received.pop(0) if received else await receive()

    with cast(BodyRoom, request.app.state.body_room).place() as hold:
        while True:
            message = await receive()
            received.append(message)
            if message["type"] != "http.request":  # the client has left
                break
            raw += message.get("body", b"")
            if len(raw) > min(most, SHORT_BYTES):
                break
            if message.get("more_body"):
                continue
            try:
                hold(len(raw))
            except HttpProblem:
                break
            yield raw, again
            return
    yield None, again
