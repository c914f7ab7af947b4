"""Owns asking the services whether they are ready, without ever waiting for the answer."""

import json
import selectors
import socket
from collections.abc import Sequence
from typing import Any, cast

AGAIN_SECONDS = 0.05
ANSWER_SECONDS = 5.0
MAX_ANSWER_BYTES = 64 * 1024


class Readiness:
    """Asks one service after the other until each has said yes once.

    The listening socket is the supervisor's: a question waits in its queue until the web process
    takes it, so the first answer comes at the first possible moment.
    """

    def __init__(
        self, selector: selectors.BaseSelector, address: tuple[str, int], paths: Sequence[str]
    ) -> None:
        self._selector = selector
        self._address = address
        self._paths = list(paths)
        self._socket: socket.socket | None = None
        self._answer = b""
        self._next_at = 0.0
        self.missing = "the web process has not answered"

    @property
    def ready(self) -> bool:
        """All have said yes."""
        return not self._paths

    @property
    def due(self) -> float:
        """When `advance` has something to do at the latest (monotonic seconds)."""
        return self._next_at

    def advance(self, now: float) -> None:
        """Ask, or ask again where no answer came."""
        if self.ready or now < self._next_at:
            return
        self.close()
        self._next_at = now + ANSWER_SECONDS
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._socket = socket.socket(family)
        self._socket.setblocking(False)
        self._socket.connect_ex(self._address)
        self._selector.register(self._socket, selectors.EVENT_WRITE, self._send)

    def close(self) -> None:
        """Ask no more."""
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
        self._socket, self._answer = None, b""

    def _send(self, now: float) -> None:
        if (sock := self._socket) is None:  # closed by what came before in the same turn
            return
        host = f"[{self._address[0]}]" if ":" in self._address[0] else self._address[0]
        request = (
            f"GET {self._paths[0]} HTTP/1.1\r\nHost: {host}:{self._address[1]}\r\n"
            "Accept: application/json\r\nConnection: close\r\n\r\n"
        )
        try:
            sock.send(request.encode())
        except OSError:
            self._finish(now)
        else:
            self._selector.modify(sock, selectors.EVENT_READ, self._receive)

    def _receive(self, now: float) -> None:
        if (sock := self._socket) is None:
            return
        try:
            piece = sock.recv(MAX_ANSWER_BYTES)
        except OSError:
            piece = b""
        self._answer += piece
        if not piece or len(self._answer) > MAX_ANSWER_BYTES:
            self._finish(now)

    def _finish(self, now: float) -> None:
        status, missing = verdict(self._answer)
        if status == 200:
            del self._paths[0]
        elif missing:
            self.missing = missing
        self.close()
        self._next_at = now if status == 200 else now + AGAIN_SECONDS


def verdict(answer: bytes) -> tuple[int, str]:
    """The status of an HTTP answer (0: none) and, if it is not 200, which checks fail and why."""
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if len(words) < 2 or not words[1].isdigit():
        return 0, ""
    status = int(words[1])
    try:
        said: Any = json.loads(body)
        checks = cast(dict[str, Any], said["checks"]).items()
    except (ValueError, LookupError, TypeError, AttributeError):
        return status, f"the web process answers {status}"
    return status, ", ".join(f"{name}: {why}" for name, why in checks if why != "ok")
