"""Owns what a process answers to those who watch it: livez, readyz, metrics. Finds out nothing.

A process without an API serves the three on a port of their own, on its own event loop: when that
is stuck, nothing answers.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from milepost.problems import MEDIA_TYPE, problem
from milepost_service.metrics import Metrics

Checks = Callable[[], Awaitable[dict[str, str]]]
"""What a process needs to do its work: name -> "ok" or why not; see `checks.run`."""
Live = Callable[[], Mapping[str, str]]
"""What is to run as long as the process: name -> "ok" or why not. Waits for nothing."""


def live_answer(checks: Mapping[str, str]) -> Response:
    """200 while all goes on; 503, and what does not, where only a restart helps."""
    if _well(checks):
        return JSONResponse({"status": "ok"})
    return _problem("not-live", "Not live", checks)


def ready_answer(checks: Mapping[str, str]) -> Response:
    """200 with the checks; 503 with them when something is missing."""
    return (
        JSONResponse({"checks": checks})
        if _well(checks)
        else _problem("not-ready", "Not ready", checks)
    )


@asynccontextmanager
async def probed(
    sock: socket.socket, metrics: Metrics, ready: Checks, live: Live
) -> AsyncGenerator[None]:
    """Serve `/livez`, `/readyz` and `/metrics` until the end of the block."""

    async def livez(_: Request) -> Response:
        return live_answer(live())

    async def readyz(_: Request) -> Response:
        return ready_answer(await ready())

    async def expose(_: Request) -> Response:
        return Response(await metrics.text(), media_type=metrics.media_type)

    app = Starlette(
        routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", expose)]
    )
    config = uvicorn.Config(
        app, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """A server that leaves signals to its process."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _well(checks: Mapping[str, str]) -> bool:
    return all(found == "ok" for found in checks.values())


def _problem(slug: str, title: str, checks: Mapping[str, str]) -> Response:
    body: dict[str, Any] = {**problem(503, slug, title), "checks": checks}
    return JSONResponse(body, 503, {"Retry-After": "1"}, MEDIA_TYPE)
