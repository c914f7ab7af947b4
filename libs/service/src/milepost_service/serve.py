"""Owns running an ASGI application under uvicorn until it is told to stop. Knows no application."""

import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from milepost.errors import ConfigurationError
from milepost.settings import Settings
from milepost_service.connections import within_files
from milepost_service.http_protocol import protocol_of

_BACKLOG = 2048
_GRACE_SECONDS = 3
"""For requests under way; long polls and streams are ended."""
_VANISHED_SECONDS = 30.0
"""A client whose machine acknowledges nothing for so long is gone."""


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
            vanished_ms = int(_VANISHED_SECONDS * 1000)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, vanished_ms)
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

    X-Forwarded-* count from TRUSTED_PROXIES alone. How many connections there may be, how large and
    how slow, is in `http_protocol`.

    Args:
        on_stop: called at the signal, before requests under way are waited for, so that those
            which wait for something else end by themselves.
    """
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=protocol_of(settings, connections=within_files(settings.max_connections)),
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
