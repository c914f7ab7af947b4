"""Owns what an exception becomes: a problem document. Tells clients nothing of our inside."""

import logging
from secrets import token_hex

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from milepost.errors import InvalidCursor, InvalidValue, LogFull, LogUnavailable, Refused
from milepost.problems import HttpProblem, field_error, field_errors, problem
from milepost_service.answers import answer
from milepost_service.credentials import RegistryUnavailable
from milepost_service.outages import is_outage, reason

_log = logging.getLogger(__name__)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_AS = {"HEAD": "GET"}  # see heads.py
_SLUGS = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}


def install(app: FastAPI) -> None:
    """Answer our exceptions and the framework's with problem documents."""
    app.add_exception_handler(HttpProblem, _http_problem)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(InvalidCursor, _invalid)
    app.add_exception_handler(InvalidValue, _invalid)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(LogFull, _full)
    app.add_exception_handler(LogUnavailable, _unavailable)
    app.add_exception_handler(RegistryUnavailable, _unavailable)
    for kind in (DBAPIError, PoolTimeout):
        app.add_exception_handler(kind, _database)


async def response_to(request: Request, err: Exception) -> Response:
    """What the application answers to an exception, for those who stand before its router.

    Raises:
        Exception: `err` itself, where it has no answer.
    """
    for kind in type(err).__mro__:
        handler = request.app.exception_handlers.get(kind)
        if handler is not None:
            return await handler(request, err)
    raise err


class LastResort:
    """Answers what nobody expected with 500 and a reference, and logs it once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and answer in place of an application that failed before its first byte."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except ClientDisconnect:
            return None
        except Exception:
            if started:  # nothing but closing the connection tells the client: the server does
                raise
            reference = token_hex(4)
            fields = {"action": "request", "path": scope["path"], "reference": reference}
            _log.exception("unexpected error", extra=fields)
            body = problem(500, "internal", "This did not work", f"Reference {reference}.")
            await answer(body)(scope, receive, send)


async def _http_problem(_: Request, err: Exception) -> Response:
    assert isinstance(err, HttpProblem)
    return answer(err.body, err.headers)


async def _http_exception(request: Request, err: Exception) -> Response:
    assert isinstance(err, HTTPException)
    headers = dict(err.headers or {})
    if err.status_code == 405:
        headers["Allow"] = ", ".join(_allowed(request))
    slug = _SLUGS.get(err.status_code, "refused")
    return answer(problem(err.status_code, slug, err.detail), headers)


async def _validation(_: Request, err: Exception) -> Response:
    assert isinstance(err, RequestValidationError)
    errors = field_errors(err.errors())
    return answer(problem(422, "invalid", "Not what this call takes", errors=errors))


async def _invalid(_: Request, err: Exception) -> Response:
    errors = [field_error([], str(err))]
    return answer(problem(422, "invalid", "Not what this call takes", errors=errors))


async def _refused(_: Request, err: Exception) -> Response:
    return answer(problem(409, "refused", "Not in this state", f"{err}."))


async def _full(_: Request, err: Exception) -> Response:
    detail = "Nothing was accepted. Try again when tasks have ended."
    return answer(problem(503, "no-room", "No room just now", detail), {"Retry-After": "5"})


async def _database(request: Request, err: Exception) -> Response:
    assert isinstance(err, DBAPIError | PoolTimeout)
    level = logging.WARNING if is_outage(err) else logging.ERROR
    return _not_now(request, level, reason(err))


async def _unavailable(request: Request, err: Exception) -> Response:
    return _not_now(request, logging.WARNING, type(err).__name__)


def _not_now(request: Request, level: int, why: str) -> Response:
    _log.log(level, "unavailable", extra={"path": request.scope["path"], "reason": why})
    body = problem(503, "unavailable", "Not available just now", "Try again in a moment.")
    return answer(body, {"Retry-After": "1"})


def _allowed(request: Request) -> list[str]:
    """Every method the path takes; the router names those of one route alone."""
    path = request.scope["path"]

    def takes(method: str) -> bool:
        scope: Scope = {
            "type": "http",
            "method": _AS.get(method, method),
            "path": path,
            "root_path": "",
            "headers": [],
        }
        routes = request.app.router.routes
        return any(route.matches(dict(scope))[0] is Match.FULL for route in routes)

    return [method for method in _METHODS if takes(method)]
