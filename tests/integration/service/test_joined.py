"""Several applications served as one."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message

from milepost_service.joined import Joined


class Diary(list[str]):
    """What happened, in order."""


def app(name: str, diary: Diary, *, fails: str = "") -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        if fails == "start":
            raise RuntimeError(f"{name} does not start")
        diary.append(f"{name} starts")
        yield
        diary.append(f"{name} stops")
        if fails == "stop":
            raise RuntimeError(f"{name} does not stop")

    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{name} {request.url.path}")

    return Starlette(routes=[Route("/{path:path}", answer)], lifespan=lifespan)


async def live(joined: Joined) -> list[str]:
    """One lifespan; what the server hears."""
    to: asyncio.Queue[Message] = asyncio.Queue()
    heard: list[str] = []

    async def send(message: Message) -> None:
        heard.append(message["type"])

    await to.put({"type": "lifespan.startup"})
    await to.put({"type": "lifespan.shutdown"})
    async with asyncio.timeout(5):
        await joined({"type": "lifespan", "asgi": {"version": "3.0"}}, to.get, send)
    return heard


async def test_a_path_goes_to_the_application_of_its_prefix() -> None:
    diary = Diary()
    joined = Joined({"/api/a": app("a", diary), "/b": app("b", diary)}, app("rest", diary))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(joined), base_url="http://t"
    ) as client:
        for path, name in (
            ("/api/a", "a"), ("/api/a/x", "a"), ("/api/ab", "rest"), ("/b/", "b"), ("/", "rest"),
        ):  # fmt: skip
            assert (await client.get(path)).text == f"{name} {path}"


async def test_applications_start_in_order_and_stop_in_reverse() -> None:
    diary = Diary()
    joined = Joined({"/a": app("a", diary)}, app("rest", diary))
    assert await live(joined) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert diary == ["a starts", "rest starts", "rest stops", "a stops"]


@pytest.mark.parametrize(
    ("first", "second", "heard", "told"),
    [
        ("", "start", ["lifespan.startup.failed"], ["a starts", "a stops"]),
        ("start", "", ["lifespan.startup.failed"], []),
        ("stop", "", ["lifespan.startup.complete", "lifespan.shutdown.failed"],
         ["a starts", "rest starts", "rest stops", "a stops"]),
    ],
)  # fmt: skip
async def test_one_that_fails_is_told_and_the_others_still_stop(
    first: str, second: str, heard: list[str], told: list[str]
) -> None:
    diary = Diary()
    joined = Joined({"/a": app("a", diary, fails=first)}, app("rest", diary, fails=second))
    assert await live(joined) == heard
    assert diary == told
