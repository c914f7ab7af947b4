"""Sends RQ's no-op job. For the peers' Python."""

import asyncio
import os

import redis
import sending
from rq import Queue

queue = Queue(connection=redis.Redis.from_url(os.environ["BENCH_REDIS_URL"]))


async def send(*told):
    queue.enqueue("noop.noop", *told, result_ttl=0)


async def send_many(count):
    queue.enqueue_many([Queue.prepare_data("noop.noop", result_ttl=0) for _ in range(count)])


if __name__ == "__main__":
    asyncio.run(sending.main(send, send_many))
