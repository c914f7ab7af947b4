"""A small service for tests of the server, run as a program with trusted proxies; settings come by
the environment."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import StreamingResponse

from milepost.settings import Settings
from milepost_service.app import create_app
from milepost_service.bodies import strict_route
from milepost_service.serve import listen, serve
from milepost_service.strict_model import Body


class Sent(Body):
    """Anything of a size."""

    text: str


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
    yield
    sys.stdout.write("stopped\n")


async def ready() -> dict[str, str]:
    return {}


router = APIRouter(prefix="/api/x", route_class=strict_route())


@router.post("/echo")
async def echo(body: Sent) -> int:
    return len(body.text)


@router.get("/slow")
async def slow(request: Request) -> str:
    """Take no body, and longer than any body may."""
    await asyncio.sleep(3)
    return "done"


@router.get("/held")
async def held() -> StreamingResponse:
    """Begin an answer, and end it later."""

    async def parts() -> AsyncGenerator[str]:
        yield "begun"
        await asyncio.sleep(3)
        yield "done"

    return StreamingResponse(parts())


@router.get("/many")
async def many(limit: int = 1) -> int:
    return limit


@router.get("/who")
async def who(request: Request) -> list[str | None]:
    return [request.url.scheme, request.client.host if request.client else None]


def main() -> int:
    settings = Settings.load(trusted_proxies=sys.argv[1])
    app = create_app(title="X", prefix="/api/x", settings=settings, lifespan=lifespan, ready=ready)
    app.include_router(router)
    sock = listen("127.0.0.1", 0)
    sys.stdout.write(f"{sock.getsockname()[1]}\n")
    sys.stdout.flush()
    return serve(app, settings, sock=sock)


if __name__ == "__main__":
    sys.exit(main())
