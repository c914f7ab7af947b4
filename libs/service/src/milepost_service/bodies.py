"""Owns request bodies: how large they are and what form they have. Decides no meaning.

A body is read and judged before FastAPI sees it, in this order: who is asking (401, 403), too large
(413), no room for it among the others that are being read (503), not sent as plain JSON (415), not
strict JSON (400). What is JSON but not what the endpoint wants is 422, as FastAPI finds it; so is a
missing body. Nothing is ever decompressed.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from email.message import Message
from typing import Any, cast

from fastapi import Request, Response

from milepost.problems import HttpProblem, field_error
from milepost.settings import Settings
from milepost_service import strict_json
from milepost_service.queries import StrictQueryRoute

_THREAD_FROM_BYTES = 64 * 1024
"""Larger bodies are read in a thread, so that nobody else waits for them."""

Guard = Callable[[Request], Awaitable[object]]


class StrictRoute(StrictQueryRoute):
    """A route whose body, if it takes one, is strict JSON of a bounded size."""

    @staticmethod
    def limit(settings: Settings) -> int:
        """The most bytes a body may have."""
        return settings.max_body_bytes

    @staticmethod
    async def guard(request: Request) -> object:
        """Called before the body is read: raise to refuse the caller."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler."""
        handle = super().get_route_handler()
        has_body = self.body_field is not None

        async def strict(request: Request) -> Response:
            await self.guard(request)
            most = self.limit(request.app.state.settings)
            read_request = _ReadRequest(request.scope, request.receive)
            if request.method in ("GET", "HEAD"):
                return await handle(read_request)
            with cast(BodyRoom, request.app.state.body_room).place() as place:
                read_request.raw = raw = await read(request, most, place)
                if not has_body and raw.strip() not in (b"", b"{}"):
                    error = field_error(["body"], "none is taken")
                    raise HttpProblem(422, "invalid", "This call takes no body", errors=[error])
                if has_body and raw:
                    require_json(request)
                    depth = request.app.state.settings.max_json_depth
                    read_request.value = await parse(raw, depth)
                return await handle(read_request)

        return strict


def strict_route(
    *, guard: Guard | None = None, limit: Callable[[Settings], int] | None = None
) -> type[StrictRoute]:
    """Make a route class: `APIRouter(route_class=strict_route(guard=auth.writer))`.

    Args:
        guard: refuses callers before their body is read.
        limit: the most bytes of a body; usually `max_body_bytes`.
    """
    members: dict[str, Any] = {}
    if guard is not None:
        members["guard"] = staticmethod(guard)
    if limit is not None:
        members["limit"] = staticmethod(limit)
    return type("GuardedRoute", (StrictRoute,), members)


class BodyRoom:
    """What the bodies of all requests under way may have together, in bytes."""

    def __init__(self, most: int) -> None:
        self._left = most

    @contextmanager
    def place(self) -> Generator[Callable[[int], None]]:
        """Until the end of the block: call what is given with the size of each part that came.

        Raises:
            HttpProblem: 503, out of that call: there is no room for it.
        """
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            if size > self._left:
                raise HttpProblem(
                    503,
                    "busy",
                    "Busy just now",
                    "Too much is being sent at once. Try again in a moment.",
                    headers={"Retry-After": "1"},
                )
            self._left -= size
            held += size

        try:
            yield hold
        finally:
            self._left += held


async def read(request: Request, most: int, hold: Callable[[int], None]) -> bytes:
    """Read the body, at most `most` bytes of it, telling `hold` of every part.

    Raises:
        HttpProblem: 413, by Content-Length or while it streams in; what `hold` raises.
    """
    declared = request.headers.get("content-length", "")
    size, chunks = 0, list[bytes]()
    if declared.isascii() and declared.isdigit() and len(declared) < 20 and int(declared) > most:
        raise _too_large(most)
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        hold(len(chunk))
        chunks.append(chunk)
    return b"".join(chunks)


def require_json(request: Request) -> None:
    """Refuse what is not sent as JSON in UTF-8, as it is: a small compressed body may be endless.

    Raises:
        HttpProblem: 415.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        title = "Send bodies without Content-Encoding"
        raise HttpProblem(415, "encoded", title, headers={"Accept-Encoding": "identity"})
    header = Message()
    header["content-type"] = request.headers.get("content-type", "text/plain")
    kind = header.get_content_type()
    charset = str(header.get_param("charset", "utf-8")).lower()
    is_json = kind == "application/json" or re.fullmatch(r"application/[^/]+\+json", kind)
    if not is_json or charset not in ("utf-8", "utf8"):
        raise HttpProblem(415, "not-json", "Send application/json in UTF-8")


async def parse(raw: bytes, max_depth: int) -> Any:
    """Read strict JSON, large bodies in a thread.

    Raises:
        HttpProblem: 400.
    """
    try:
        if len(raw) >= _THREAD_FROM_BYTES:
            return await asyncio.to_thread(strict_json.loads, raw, max_depth)
        return strict_json.loads(raw, max_depth)
    except strict_json.NotJson as err:
        raise HttpProblem(400, "not-json", "The body is not JSON", f"{err}.") from err


class _ReadRequest(Request):
    """A request whose body has been read and judged."""

    raw: bytes = b""
    value: Any = None

    @property
    def cookies(self) -> dict[str, str]:
        """Looked for only where there are some: FastAPI asks for every request, and Starlette would
        decode all headers to find none."""
        if any(name == b"cookie" for name, _ in self.scope["headers"]):
            return super().cookies
        return {}

    async def body(self) -> bytes:
        return self.raw

    async def json(self) -> Any:
        return self.value


def _too_large(most: int) -> HttpProblem:
    return HttpProblem(413, "too-large", f"A body has at most {most} bytes here")
