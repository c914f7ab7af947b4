"""Owns the short way of a poll that certainly has no news. Answers nothing else: it passes it on.

Most requests of a busy deployment are such polls, and finding out what FastAPI would have done with
one costs three times what answering it does. Whatever is not the plainest form of it, or not in
order, goes the long way, which says why; both give the same answer, to the byte.
"""

from fastapi import Request, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from milepost.cursors import Cursor
from milepost.errors import InvalidCursor
from milepost.problems import HttpProblem
from milepost_notify.parts import parts_of
from milepost_notify.routers.notifications import answer_of
from milepost_service.auth import known_reader


class IdlePolls:
    """Stands before the router."""

    def __init__(self, app: ASGIApp, route: BaseRoute) -> None:
        """`route` is the endpoint's, as which these answers are counted."""
        self._app, self._route = app, route
        self._path: str = getattr(route, "path", "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] == "http" and scope["path"] == self._path and scope["method"] == "GET":
            cursor = _cursor(scope["query_string"])
            found = None if cursor is None else _answer(Request(scope), cursor)
            if found is not None:
                scope["route"] = self._route
                return await found(scope, receive, send)
        return await self._app(scope, receive, send)


def _cursor(query: bytes) -> Cursor | None:
    """The cursor, where it is all that is asked with but for a plain `limit`."""
    since, _, limit = query.decode("latin-1").partition("&limit=")
    name, _, text = since.partition("=")
    if name != "since" or (limit and limit not in _LIMITS):
        return None
    try:
        return Cursor.parse(text)
    except InvalidCursor:
        return None


_LIMITS = frozenset(str(number) for number in range(1, 1001))


def _answer(request: Request, cursor: Cursor) -> Response | None:
    try:
        who = known_reader(request)
    except HttpProblem:
        return None
    if who is None:
        return None
    following = parts_of(request).queries.of(who, None).follow()
    page = following.idle_page(cursor)
    return None if page is None else answer_of(following, page)
