"""Owns GET /dev/mail: shows what the embedded sink caught, to this machine alone. Changes nothing.

JSON has all mails, or the last `?limit=`, oldest first; HTML (`Accept: text/html`) at most the last
1,000, newest first. To everybody else the page does not exist: other machines, pages of other sites
that point a name of theirs at 127.0.0.1 (their Host says so), and whoever comes through a proxy on
this machine (its headers say so).
"""

import json
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from milepost.problems import MEDIA_TYPE, FieldError, problem
from milepost_cli import mails
from milepost_cli.mail_file import MailView
from milepost_service.headers import SecurityHeaders

PREFIX = "/dev/mail"
MAX_ON_PAGE = 1000
MAX_LIMIT = 1_000_000
FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
}


def build(folder: Path) -> Starlette:
    """Make the application over the sink's folder."""

    def show(request: Request) -> Response:
        if not is_local(request):
            return Response("Not found", 404)
        text = request.query_params.get("limit")
        if text is not None and not _is_limit(text):
            error = FieldError(loc=["query", "limit"], msg=f"an integer in 1..{MAX_LIMIT}")
            return JSONResponse(
                problem(422, "invalid", "Not a limit", errors=[error]), 422, HEADERS, MEDIA_TYPE
            )
        limit = None if text is None else int(text)
        headers = {**HEADERS, "Vary": "Accept"}
        if "text/html" in request.headers.get("accept", ""):
            view = MailView(folder, min(limit or MAX_ON_PAGE, MAX_ON_PAGE))
            found = [json.loads(line) for lines in view.lines() for line in lines]
            view.close()
            return Response(mails.page(found, view.total), 200, headers, "text/html")
        view = MailView(folder, limit)
        return StreamingResponse(_as_json(view), 200, headers, "application/json")

    def style(request: Request) -> Response:
        if not is_local(request):
            return Response("Not found", 404)
        return Response(mails.STYLE, 200, HEADERS, "text/css")

    routes = [Route(PREFIX, show), Route(mails.STYLESHEET, style)]
    return Starlette(routes=routes, middleware=[Middleware(SecurityHeaders)])


def is_local(request: Request) -> bool:
    """Whether a program of this machine asks, by a name of this machine, through no proxy."""
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    host = request.url.hostname or ""
    return _is_loopback(request.client.host) and (
        host == "localhost" or host.endswith(".localhost") or _is_loopback(host)
    )


def _is_loopback(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _is_limit(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 8 and 1 <= int(text) <= MAX_LIMIT


def _as_json(view: MailView) -> Iterator[bytes]:
    """The lines of the file are the elements of the list."""
    try:
        yield b'{"mails": ['
        first = True
        for lines in view.lines():
            if lines:
                yield (b"" if first else b",\n") + b",\n".join(lines)
                first = False
        yield b"]}"
    finally:
        view.close()
