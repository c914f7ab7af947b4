"""huey's no-op task; as a program it sends."""

import asyncio
import os
import time

import sending
from huey import RedisHuey

huey = RedisHuey(url=os.environ["BENCH_REDIS_URL"], notify_result=True)


@huey.task()
def noop():
    """Do nothing; a result of None is not kept."""


@huey.task()
def told():
    """Do nothing, and say so."""
    return True


async def send():
    noop()


async def send_many(count):
    for _ in range(count):
        noop()


async def idle(count, left, send):
    """Milliseconds from sending to the result in hand: the queue alone does not say what runs."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        told().get(blocking=True)
        took.append(1000 * (time.perf_counter() - began))
    return took


if __name__ == "__main__":
    import noop_huey  # tasks are known by their module

    asyncio.run(sending.main(noop_huey.send, noop_huey.send_many, noop_huey.idle))
