"""What a peer's program does when it sends: `fill SINGLE BULK`, `idle COUNT LEFT`.

LEFT is where tasks are that have not ended: `[["llen", "queue"], ...]` in JSON. For the
peers' Python.
"""

import asyncio
import json
import os
import sys
import time

import redis

AT_ONCE = 1000


async def at_once(send, count):
    """Send in as many calls side by side as there are, for a peer that has no call for many."""
    for begun in range(0, count, 100):
        await asyncio.gather(*(send() for _ in range(min(100, count - begun))))


async def fill(single, bulk, send, send_many):
    """Tasks a second, sent one by one and many at a time."""
    began = time.perf_counter()
    for _ in range(single):
        await send()
    between = time.perf_counter()
    for begun in range(0, bulk, AT_ONCE):
        await send_many(min(AT_ONCE, bulk - begun))
    return single / (between - began), bulk / (time.perf_counter() - between)


def tell(key):
    """Let the sender know that a task has run."""
    redis.Redis.from_url(os.environ["BENCH_REDIS_URL"]).rpush(key, "ran")


async def idle(count, left, send):
    """Milliseconds from sending to its having ended, one by one."""
    took, server = [], redis.Redis.from_url(os.environ["BENCH_REDIS_URL"])
    await send("told")
    assert server.blpop("told", timeout=10), "its workers throw tasks away"
    for _ in range(count):
        began = time.perf_counter()
        await send()
        while any(getattr(server, command)(key) for command, key in left):  # noqa: ASYNC110
            await asyncio.sleep(0.0002)
        took.append(1000 * (time.perf_counter() - began))
    return took


async def main(send, send_many, idle=idle):
    """Do what the command line asks for and print the figures."""
    name, *arguments = sys.argv[1], *map(json.loads, sys.argv[2:])
    if name == "fill":
        print(json.dumps(await fill(*arguments, send, send_many)))
    else:
        print(json.dumps(await idle(*arguments, send)))
