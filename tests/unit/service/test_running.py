"""Background tasks end with their block, whatever they do with a cancellation."""

import asyncio

from milepost_service.running import running


async def test_a_task_that_loses_a_cancellation_is_cancelled_again():
    lost = list[str]()

    async def forgetful() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if lost:
                    raise
                lost.append("as asyncio.wait_for does before Python 3.12")

    async with asyncio.timeout(10):
        async with running(forgetful()):
            await asyncio.sleep(0)
    assert len(lost) == 1


async def test_a_task_that_has_ended_by_itself_is_not_waited_for():
    async def short() -> None:
        return None

    async with asyncio.timeout(10), running(short(), short()):
        await asyncio.sleep(0)
