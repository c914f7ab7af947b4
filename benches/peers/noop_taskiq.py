"""taskiq's no-op task on its Redis Streams; as a program it sends. For the peers' Python."""

import asyncio
import json
import os
import sys
import time

from taskiq_redis import RedisStreamBroker

broker = RedisStreamBroker(url=os.environ["BENCH_REDIS_URL"])


@broker.task(task_name="noop")
async def noop():
    """Do nothing."""


async def fill(single, bulk):
    """Send one by one, then a hundred at a time; messages a second of both."""
    began = time.perf_counter()
    for _ in range(single):
        await noop.kiq()
    between = time.perf_counter()
    for _ in range(bulk // 100):
        await asyncio.gather(*(noop.kiq() for _ in range(100)))
    return single / (between - began), bulk / (time.perf_counter() - between)


async def idle(count):
    """Milliseconds from sending to the acknowledgement, one by one."""
    import redis.asyncio

    took, server = [], redis.asyncio.Redis.from_url(os.environ["BENCH_REDIS_URL"])
    for _ in range(count):
        began = time.perf_counter()
        await noop.kiq()
        while True:
            (group,) = await server.xinfo_groups("taskiq")
            if group["lag"] == 0 and group["pending"] == 0:
                break
            await asyncio.sleep(0.0002)
        took.append(1000 * (time.perf_counter() - began))
    await server.aclose()
    return took


async def main(name, *arguments):
    await broker.startup()
    try:
        done = await {"fill": fill, "idle": idle}[name](*map(json.loads, arguments))
        print(json.dumps(done))
    finally:
        await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
