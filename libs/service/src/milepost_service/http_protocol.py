"""Owns one client's connection as HTTP: how large a request's head may be, how long head and body
may take, and what is answered in place of an application. Knows no application.

Who dawdles, or does not read, is dropped: an open connection costs memory and a file.
"""

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, Literal, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from milepost.problems import MEDIA_TYPE, HttpProblem
from milepost.settings import Settings
from milepost_service import headers
from milepost_service.connections import Connections

MAX_HEADERS = 100
MIN_BODY_BYTES_PER_SECOND = 16 * 1024
"""Every so many bytes of a body give it a second more."""
MAX_UNWANTED_BYTES = 64 * 1024 * 1024
"""Of a request that has been answered already: read, so that the client gets to read the answer."""
LINGER_SECONDS = 2.0
"""For the same reason, once the connection is to end."""


@dataclass(frozen=True, slots=True)
class WireLimits:
    """What a connection has to keep to."""

    url_bytes: int
    header_bytes: int
    head_seconds: float
    body_seconds: float
    stall_seconds: float
    is_tls: bool = False
    """People reach us over TLS, though a proxy ends it before us."""

    @classmethod
    def of(cls, settings: Settings) -> "WireLimits":
        """As configured."""
        return cls(
            settings.max_url_bytes,
            settings.max_header_bytes,
            settings.head_seconds,
            settings.body_seconds,
            settings.stall_seconds,
            (settings.public_url or "").startswith("https:"),
        )


def protocol_of(settings: Settings, *, connections: int | None = None) -> type["HttpProtocol"]:
    """Make the class of a process' connections.

    Args:
        connections: how many there may be; MAX_CONNECTIONS unless given.
    """
    most = settings.max_connections if connections is None else connections
    members = {"limits": WireLimits.of(settings), "all": Connections(most)}
    return type("LimitedHttpProtocol", (HttpProtocol,), members)


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's, bounded in size and time; its refusals are problem documents."""

    limits: ClassVar[WireLimits]
    all: ClassVar[Connections]

    _awaits: Literal["head", "body", "nothing"] = "head"
    """What the client has to send next; nothing: an answer is due."""
    _head_bytes = 0
    _part_bytes = 0
    """Of the head or body under way, without what came together with its beginning."""
    _fresh = False
    """A head has begun in what is just being read."""
    _began_at = 0.0
    _slow: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _refusal: HttpProblem | None = None
    _refused = False
    """It was told so and is about to end: nothing of it is looked at any more."""
    _counted = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """It has so long for its first request."""
        super().connection_made(transport)
        self._counted = self.all.add(self)
        if not self._counted:
            detail = "Too many connections are open. Try again in a moment."
            headers = {"Retry-After": "1"}
            self._refuse(HttpProblem(503, "busy", "Busy just now", detail, headers=headers))
            return
        self._await_more(self.limits.head_seconds)

    def drop(self) -> None:
        """Make room: it is idle."""
        self._counted = False
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on, as far as the limits go."""
        if self._refused:
            self._part_bytes += len(data)
            if self._part_bytes > MAX_UNWANTED_BYTES:
                self.transport.abort()
            return
        before, self._fresh = self._awaits, False
        super().data_received(data)
        if self._refused:
            return
        if self._awaits == before and not self._fresh:
            self._part_bytes += len(data)
        if self._awaits == "head":
            if self._part_bytes > self.limits.header_bytes + self.limits.url_bytes:
                self._refuse(_large_head(self.limits))
            elif self._slow is None:
                self._await_more(self.limits.head_seconds)
        elif self._awaits == "body":
            if self._is_answered() and self._part_bytes > MAX_UNWANTED_BYTES:
                self.transport.abort()
            elif self._slow is None:
                self._await_more(self.limits.body_seconds)
        elif self._is_answered() and self._slow is None:  # line breaks between two requests
            self._await_more(self.limits.head_seconds)

    def on_message_begin(self) -> None:
        """A head has begun."""
        super().on_message_begin()
        self._fresh = True
        self._awaits, self._head_bytes, self._part_bytes = "head", 0, 0

    def on_url(self, url: bytes) -> None:
        """A part of it."""
        if len(self.url) + len(url) > self.limits.url_bytes:
            detail = f"An address has at most {self.limits.url_bytes} bytes here."
            self._give_up(HttpProblem(414, "long-url", "The address is too long", detail))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of the head, or behind a chunked body."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > self.limits.header_bytes or len(self.headers) >= MAX_HEADERS:
            self._give_up(_large_head(self.limits))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Somebody is asked something."""
        hosts = sum(name == b"host" for name, _ in self.headers)
        parser: Any = self.parser
        if hosts > 1 or (not hosts and parser.get_http_version() == "1.1"):
            detail = "HTTP/1.1 has one Host header (RFC 9112, section 3.2)."
            self._give_up(HttpProblem(400, "not-http", "Invalid HTTP request", detail))
        self._forget_slow()
        self._awaits, self._part_bytes = "body", 0
        self.all.busy(self)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there as a whole."""
        self._forget_slow()
        self._awaits = "nothing"
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """It may ask for the next thing."""
        super().on_response_complete()
        if self._is_answered() and self._counted:
            self.all.idle(self)

    def pause_writing(self) -> None:
        """64 KiB wait for the client already: nothing is added, and it has so long to take them."""
        super().pause_writing()
        stall_seconds = self.limits.stall_seconds
        self._stalled = self.loop.call_later(stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read, or is gone."""
        self._forget_stall()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        if self._counted:
            self._counted = False
            self.all.remove(self)
        self._forget_slow()
        self._forget_stall()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Say what the parser, or one of its callbacks, stopped for."""
        detail = "An unknown method, or not HTTP/1.1 as RFC 9112 has it."
        self._refuse(self._refusal or HttpProblem(400, "not-http", "Invalid HTTP request", detail))

    def _give_up(self, refusal: HttpProblem) -> None:
        """Stop the parser from one of its callbacks."""
        self._refusal = refusal
        raise refusal

    def _await_more(self, seconds: float) -> None:
        self._began_at = self.loop.time()
        self._slow = self.loop.call_later(seconds, self._look_at_pace)

    def _look_at_pace(self) -> None:
        """The time for what has to come is over, unless much of it has come, or it is us who do not
        read."""
        self._slow = None
        now, limits = self.loop.time(), self.limits
        if self._awaits == "body":
            allowed = limits.body_seconds + self._part_bytes / MIN_BODY_BYTES_PER_SECOND
            left = self._began_at + allowed - now
            if self.flow.read_paused:
                left = limits.body_seconds
            if left > 0:
                self._slow = self.loop.call_later(left, self._look_at_pace)
                return
        detail = "The request did not arrive in time."
        self._refuse(HttpProblem(408, "slow-request", "Too slow", detail))

    def _refuse(self, refusal: HttpProblem) -> None:
        """Answer in place of the application, where nobody has answered yet, and end."""
        self._forget_slow()
        self._refused, self._part_bytes = True, 0
        cycle: Any = cast(Any, self.cycle)
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True  # to the application the client has left
            cycle.message_event.set()
            if self._awaits == "head" or cycle.response_started or self.pipeline:
                self.transport.abort()  # another request's answer is due, or has begun
                return
        body = json.dumps(refusal.body).encode()
        fields = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **refusal.headers}
        fields = headers.of_api(is_tls=self.limits.is_tls) | fields
        lines = [f"{name.lower()}: {value}\r\n" for name, value in fields.items()]
        head = f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}\r\n{''.join(lines)}"
        self.transport.write(f"{head}connection: close\r\n\r\n".encode() + body)
        if not self._counted:
            self.transport.close()
            return
        # Ended with something unread, the kernel would take the answer back.
        self.flow.resume_reading()
        self.transport.write_eof()
        self._slow = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _is_answered(self) -> bool:
        cycle: Any = cast(Any, self.cycle)
        return cycle is None or cycle.response_complete

    def _forget_slow(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def _forget_stall(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


def _large_head(limits: WireLimits) -> HttpProblem:
    detail = f"Headers have at most {limits.header_bytes} bytes here, and there are {MAX_HEADERS}."
    return HttpProblem(431, "large-headers", "The headers are too large", detail)
