"""Many readers, few snapshots: each gets its own answer, and its own error."""

import asyncio
from collections.abc import Callable

import pytest

from milepost.errors import MilepostError
from milepost_notify.crowd import MOST_SNAPSHOTS, MOST_TOGETHER, Crowd
from milepost_notify.memory import MemoryStore
from milepost_notify.store import Answer, Snapshot, StoreUnavailable


class Slow(MemoryStore):
    """A store that answers when told to, and counts its snapshots."""

    def __init__(self) -> None:
        super().__init__()
        self.snapshots = 0
        self.open = asyncio.Event()
        self.fails = False

    async def read(self, work: Callable[[Snapshot], Answer]) -> Answer:
        self.snapshots += 1
        await self.open.wait()
        if self.fails:
            raise StoreUnavailable("away")
        return await super().read(work)


async def asked(crowd: Crowd, count: int) -> list[asyncio.Task[int]]:
    """Readers that wait, each for its own number."""
    tasks = [asyncio.create_task(crowd.read(lambda _, n=number: n)) for number in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_everybody_gets_his_own_answer_out_of_few_snapshots():
    store = Slow()
    many = 10 * MOST_TOGETHER
    tasks = await asked(Crowd(store), many)
    assert store.snapshots == MOST_SNAPSHOTS
    store.open.set()
    assert await asyncio.gather(*tasks) == list(range(many))
    assert many / MOST_TOGETHER <= store.snapshots <= many / MOST_TOGETHER + 2


async def test_who_asks_later_is_answered_too():
    store = Slow()
    store.open.set()
    crowd = Crowd(store)
    for number in range(3):
        assert await crowd.read(lambda _, n=number: n) == number
    assert store.snapshots == 3


async def test_an_error_of_one_is_his_alone():
    store = Slow()
    crowd = Crowd(store)
    before = await asked(crowd, MOST_TOGETHER)

    def fail(_: Snapshot) -> int:
        raise MilepostError("mine")

    failing = asyncio.create_task(crowd.read(fail))
    after = await asked(crowd, 3)
    store.open.set()
    assert await asyncio.gather(*before, *after) == [*range(MOST_TOGETHER), *range(3)]
    with pytest.raises(MilepostError, match="mine"):
        await failing


async def test_a_database_that_is_away_is_said_to_all_and_comes_back():
    store = Slow()
    store.fails = True
    crowd = Crowd(store)
    tasks = await asked(crowd, 5)
    store.open.set()
    for answer in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(answer, StoreUnavailable)
    store.fails = False
    assert await crowd.read(lambda _: 1) == 1


async def test_who_leaves_takes_nobody_with_him():
    store = Slow()
    tasks = await asked(Crowd(store), 6)
    tasks[0].cancel()
    tasks[3].cancel()
    await asyncio.sleep(0)
    store.open.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [each for each in answers if isinstance(each, int)] == [1, 2, 4, 5]


async def test_who_asks_as_the_last_answers_come_is_not_forgotten():
    store = Slow()
    store.open.set()
    crowd = Crowd(store)

    async def again_and_again() -> list[int]:
        return [await crowd.read(lambda _, n=number: n) for number in range(50)]

    everybody = asyncio.gather(*(again_and_again() for _ in range(5)))
    assert await asyncio.wait_for(everybody, 10) == [list(range(50))] * 5
