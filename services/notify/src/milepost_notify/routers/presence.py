"""Owns noticing that a client has left while its request waits. Knows no endpoint."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect
from starlette.types import Receive


@asynccontextmanager
async def while_present(receive: Receive) -> AsyncGenerator[None]:
    """Run the block for as long as the client keeps its connection; its body has been read.

    Raises:
        ClientDisconnect: it has left; the block was cancelled where it waited.
    """
    waits = asyncio.current_task()
    assert waits is not None
    leaving = asyncio.ensure_future(_left(receive))
    within = True

    def leave(left: asyncio.Future[None]) -> None:
        if within and not left.cancelled():
            waits.cancel()

    leaving.add_done_callback(leave)
    try:
        yield
    except asyncio.CancelledError:
        if leaving.done() and waits.uncancel() == 0:
            raise ClientDisconnect from None
        raise  # somebody else ends this request
    finally:
        within = False
        leaving.cancel()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
