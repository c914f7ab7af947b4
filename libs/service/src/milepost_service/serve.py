"""Owns running an ASGI application under uvicorn until it is told to stop. Knows no application."""

import asyncio
import json
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from milepost.errors import ConfigurationError
from milepost.problems import MEDIA_TYPE, problem
from milepost.settings import Settings

_BACKLOG = 2048
_GRACE_SECONDS = 3
"""For requests under way; long polls and streams are ended."""
STALL_SECONDS = 30.0
"""A client that takes nothing of what is sent to it for so long is dropped."""


def listen(host: str, port: int) -> socket.socket:
    """Take an address; `port` 0 takes a free one.

    Raises:
        ConfigurationError: it is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        sock = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Inherited by every connection: a client that vanished without a word is noticed by
            # what it does not acknowledge, a heartbeat at the latest, not after a quarter of an
            # hour; until then it has its owner's place.
            stall_ms = int(STALL_SECONDS * 1000)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, stall_ms)
        return sock
    except OSError as err:
        raise ConfigurationError(
            f"cannot listen on {host}:{port} ({err.strerror}): choose another with --port"
        ) from err


def serve(
    app: ASGIApp,
    settings: Settings,
    *,
    sock: socket.socket,
    on_stop: Callable[[], None] = lambda: None,
) -> int:
    """Serve until SIGINT or SIGTERM; the process' exit status: 0, or 1 when it could not start.

    X-Forwarded-* count from TRUSTED_PROXIES alone.

    Args:
        on_stop: called at the signal, before requests under way are waited for, so that those
            which wait for something else end by themselves.
    """
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=HttpProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = _Server(config, on_stop)
    with sock:
        server.run(sockets=[sock])
    return 0 if server.started else 1


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's, but that who does not read is dropped, and what never gets to an application is
    answered in our words too."""

    _stalled: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """64 KiB wait for the client already: nothing is added, and it has so long to take them."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read, or is gone."""
        self._forget_stall()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._forget_stall()
        super().connection_lost(exc)

    def _forget_stall(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def send_400_response(self, msg: str) -> None:
        detail = "An unknown method, or not HTTP/1.1 as RFC 9112 has it."
        body = json.dumps(problem(400, "not-http", "Invalid HTTP request", detail)).encode()
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            f"content-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class _Server(uvicorn.Server):
    """A server whose stop by signal is a normal end, not raised again."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._on_stop()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
