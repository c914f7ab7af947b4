"""SAQ's no-op job and its worker's settings; as a program it sends."""

import asyncio
import os

import sending
import uvloop
from saq import Queue

uvloop.install()
queue = Queue.from_url(os.environ["BENCH_REDIS_URL"])


async def noop(context, told=""):
    """Do nothing, or say that it ran."""
    if told:
        sending.tell(told)


settings = {"queue": queue, "functions": [noop], "concurrency": 50}


async def main():
    async def send(told=""):
        await queue.enqueue("noop", ttl=-1, **({"told": told} if told else {}))

    await sending.main(send, lambda count: sending.at_once(send, count))
    await queue.disconnect()


if __name__ == "__main__":
    asyncio.run(main())
