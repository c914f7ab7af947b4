"""Owns serving the static page: its files, their caching, what a browser may load for it."""

import asyncio
import os
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.responses import FileResponse, HTMLResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

HEADERS = {
    # What is not named is not loaded. Trusted Types: a browser that knows them refuses every string
    # that would become HTML or a script, so that nothing of a task ever does.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    # Asked for again each time and answered with 304: modules of two versions never mix.
    "Cache-Control": "no-cache",
}

# Any page may load the elements; what they then ask for is answered by CORS_ORIGINS alone.
MODULE_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
MODULES = (
    "milepost", "milepost-core", "milepost-details", "milepost-filters", "milepost-ko",
    "milepost-results",
)  # fmt: skip

HIDDEN_LINK, SHOWN_LINK = 'id="caught" hidden>', 'id="caught">'


def nobody(_: Request) -> bool:
    """Mail is really sent: there is nothing to read."""
    return False


def serve_page(app: FastAPI) -> None:
    """Serve the page at `/` for everybody, the operators' one at `/operators` (it has nothing in it
    before a token opens it), what they load under `/static`, and the elements for any page at
    `/milepost.js`.

    `app.state.catches_mail_for` says of a request whether the page is to have a link to /dev/mail.
    """
    app.state.catches_mail_for = nobody
    static = _Static(directory=Path(str(files("milepost_notify"))) / "static")

    async def index(request: Request) -> Response:
        found = await static.get_response("index.html", request.scope)
        if app.state.catches_mail_for(request) and isinstance(found, FileResponse):
            text = await asyncio.to_thread(Path(found.path).read_text)
            return HTMLResponse(text.replace(HIDDEN_LINK, SHOWN_LINK), headers=HEADERS)
        return found

    async def operators(request: Request) -> Response:
        return await static.get_response("operators.html", request.scope)

    async def icon(request: Request) -> Response:
        return await static.get_response("favicon.svg", request.scope)

    async def module(request: Request) -> Response:
        name = request.url.path.removeprefix("/")
        found = await static.get_response(name, request.scope)
        found.headers.update(MODULE_HEADERS)
        return found

    for path, serve in (("/", index), ("/operators", operators), ("/favicon.ico", icon)):
        app.add_api_route(path, serve, methods=["GET", "HEAD"], include_in_schema=False)
    for name in MODULES:
        for path in (f"/{name}.js", f"/{name}.d.ts"):
            if (Path(str(static.directory)) / path[1:]).exists():
                app.add_api_route(path, module, methods=["GET", "HEAD"], include_in_schema=False)
    app.mount("/static", static, name="static")


class _Static(StaticFiles):
    """Files with our headers."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """A file, or 304; with an ETag either way."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(HEADERS)
        return response
