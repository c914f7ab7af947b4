"""Owns the trace of a request: continues the caller's, or begins one for a command."""

from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from milepost.trace_context import here
from milepost.traces import traceparent
from milepost.tracing import Tracer

_READS = ("GET", "HEAD", "OPTIONS")
_HEADER = b"traceparent"


class TracedRequests:
    """Lets whatever is done for a request know its trace: log lines, the log, other services.

    With a tracer each command is a span. A query is one only where its caller has a trace: pages
    ask all the time, and notify who they are; nobody wants to see that.
    """

    def __init__(self, app: ASGIApp, tracer: Tracer | None, queries: Collection[str] = ()) -> None:
        """`queries`: paths that are asked, not told, by whatever method."""
        self._app, self._tracer, self._queries = app, tracer, queries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, in the request's trace."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given = None
        for name, value in scope["headers"]:
            if name == _HEADER:
                given = traceparent(value.decode("latin-1"))
                break
        is_read = scope["method"] in _READS or scope["path"] in self._queries
        if self._tracer is None or (given is None and is_read):
            if given is None:
                return await self._app(scope, receive, send)
            return await self._within(given, scope, receive, send)
        return await self._spanned(self._tracer, given, scope, receive, send)

    async def _within(self, trace: str, scope: Scope, receive: Receive, send: Send) -> None:
        token = here.set(trace)
        try:
            await self._app(scope, receive, send)
        finally:
            here.reset(token)

    async def _spanned(
        self, tracer: Tracer, given: str | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        method = scope["method"]
        with tracer.span(method, "server", given, {"http.request.method": method}) as span:

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status: int = message["status"]
                    route = getattr(scope.get("route"), "path_format", None)
                    if route is not None:
                        span.rename(f"{method} {route}")
                        span.note("http.route", route)
                    span.note("http.response.status_code", status)
                    if status >= 500:
                        span.failed(str(status))
                await send(message)

            headers = [pair for pair in scope["headers"] if pair[0] != _HEADER]
            scope["headers"] = [*headers, (_HEADER, span.traceparent.encode())]
            await self._within(span.traceparent, scope, receive, noting)
