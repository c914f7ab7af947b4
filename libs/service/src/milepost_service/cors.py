"""Owns which pages of other origins may call (the Fetch standard's CORS). Knows no endpoint.

An origin that is not listed gets the answers it would get anyway, without a word of CORS: its
browser keeps them from it, and a preflight is a 405.
"""

from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ANY = "*"
METHODS = "GET, HEAD, POST, DELETE"
REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, traceparent"
EXPOSED_HEADERS = (
    "Idempotent-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate"
)
PREFLIGHT_SECONDS = 600
"""How long a browser may go without asking again."""
_VARY = (b"vary", b"Origin")

_Pairs = list[tuple[bytes, bytes]]


class Cors:
    """Answers preflights of listed origins, and lets their pages read what they are answered.

    Credentials (the session cookie) are for origins that are listed by name, never for `*`: any
    page may then call with a bearer token, which it has of its own. A cookie that changes something
    needs our own origin all the same (`auth`).
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        """`origins` are as browsers send them, or `*` alone."""
        self._app = app
        self._any = ANY in origins
        self._origins = {origin.encode() for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer a preflight."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        sent = dict[bytes, list[bytes]]()
        for name, value in scope["headers"]:
            sent.setdefault(name, []).append(value)
        allowed = self._allowed(sent.get(b"origin", []))
        if allowed and scope["method"] == "OPTIONS" and b"access-control-request-method" in sent:
            headers = [
                *allowed,
                (b"access-control-allow-methods", METHODS.encode()),
                (b"access-control-allow-headers", REQUEST_HEADERS.encode()),
                (b"access-control-max-age", str(PREFLIGHT_SECONDS).encode()),
            ]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            return await send({"type": "http.response.body", "body": b""})
        if allowed:
            allowed.append((b"access-control-expose-headers", EXPOSED_HEADERS.encode()))
        elif not self._any:
            allowed = [_VARY]  # a cache may not give it to an origin that would be allowed

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list[tuple[bytes, bytes]](message.get("headers", []))
                # What says itself that any page may read it (a module) says it once.
                open_to_all = any(name == b"access-control-allow-origin" for name, _ in given)
                message["headers"] = given if open_to_all else [*given, *allowed]
            await send(message)

        return await self._app(scope, receive, adding)

    def _allowed(self, origins: list[bytes]) -> _Pairs:
        """What tells the browser that this page may; nothing where it may not."""
        if len(origins) != 1:
            return []
        if self._any:
            return [(b"access-control-allow-origin", b"*")]
        if origins[0] not in self._origins:
            return []
        return [
            (b"access-control-allow-origin", origins[0]),
            (b"access-control-allow-credentials", b"true"),
            _VARY,
        ]
