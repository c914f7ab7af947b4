"""Owns background tasks that live as long as a block. Knows none of them."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

AGAIN_SECONDS = 0.1


@asynccontextmanager
async def running(*coroutines: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Run them until the end of the block, then cancel them and wait until they have ended.

    They are cancelled until they do end: redis-py sends under `asyncio.wait_for`, which before
    Python 3.12 forgets a cancellation that comes while what it waits for is just done.
    """
    pending = {asyncio.create_task(each) for each in coroutines}
    try:
        yield
    finally:
        while pending:
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=AGAIN_SECONDS)
