"""Background tasks end with their block, whatever they do with a cancellation."""

import asyncio

from milepost_service.running import Liveness, running


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


async def test_what_ends_though_it_should_not_is_named_until_its_block_is_over():
    async def short() -> None:
        raise RuntimeError

    async def long() -> None:
        await asyncio.Event().wait()

    liveness = Liveness()
    async with asyncio.timeout(10), running(short(), long(), liveness=liveness):
        assert liveness.checks() == {"background": "ok"}
        while liveness.checks()["background"] == "ok":  # noqa: ASYNC110  # an end sets no event
            await asyncio.sleep(0)
        assert "short" in liveness.checks()["background"]
        assert "long" not in liveness.checks()["background"]
    assert liveness.checks() == {"background": "ok"}


async def test_what_has_done_what_it_was_for_is_no_failure():
    async def short() -> None:
        return None

    liveness = Liveness()
    async with asyncio.timeout(10), running(short(), liveness=liveness):
        for _ in range(3):
            await asyncio.sleep(0)
        assert liveness.checks() == {"background": "ok"}
