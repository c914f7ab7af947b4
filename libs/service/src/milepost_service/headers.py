"""Owns the headers every answer has; a header an endpoint set itself stays."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HSTS = "max-age=31536000"
"""A year; of this host alone: its subdomains are somebody else's decision."""
_EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=()",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
_API = {
    "cache-control": "no-store",
    # What a page of another origin embeds without CORS it does not get.
    "cross-origin-resource-policy": "same-origin",
}
_Pairs = list[tuple[bytes, bytes]]


def of_api(*, is_tls: bool) -> dict[str, str]:
    """Those of every answer under /api/, for what is answered before any application."""
    return _EVERYWHERE | _API | ({"strict-transport-security": HSTS} if is_tls else {})


class SecurityHeaders:
    """Adds what browsers need to be careful."""

    def __init__(self, app: ASGIApp, *, is_tls: bool = False) -> None:
        """
        Args:
            is_tls: people reach us over TLS, though a proxy ends it before us; where a trusted
                proxy says so of a request, that counts too.
        """
        self._app, self._is_tls = app, is_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, adding headers to the answer's start."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        is_tls = self._is_tls or scope["scheme"] == "https"
        wanted = _HEADERS[scope["path"].startswith("/api/"), is_tls]

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message.setdefault("headers", [])
                names = {name.lower() for name, _ in given}
                message["headers"] = [*given, *(pair for pair in wanted if pair[0] not in names)]
            await send(message)

        return await self._app(scope, receive, adding)


def _encoded(headers: Mapping[str, str]) -> _Pairs:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


_HEADERS: dict[tuple[bool, bool], _Pairs] = {
    (is_api, is_tls): _encoded(
        {k: v for k, v in of_api(is_tls=is_tls).items() if is_api or k not in _API}
    )
    for is_api in (False, True)
    for is_tls in (False, True)
}
