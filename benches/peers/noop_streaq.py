"""streaq's no-op task and its worker; as a program it sends."""

import asyncio
import os

import sending
from streaq import Worker

worker = Worker(
    redis_url=os.environ["BENCH_REDIS_URL"],
    anyio_kwargs={"use_uvloop": True},
    concurrency=32,
    prefetch=200,
)


@worker.task(ttl=0, silent=True)
async def noop(told=""):
    """Do nothing, or say that it ran."""
    if told:
        sending.tell(told)


async def main():
    async def send(*told):
        await noop.enqueue(*told)

    async def send_many(count):
        await worker.enqueue_many([noop.enqueue() for _ in range(count)])

    async with worker:
        await sending.main(send, send_many)


if __name__ == "__main__":
    asyncio.run(main())
