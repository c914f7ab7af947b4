"""arq's no-op job and its worker's settings; as a program it sends."""

import asyncio
import os

import sending
import uvloop
from arq import create_pool
from arq.connections import RedisSettings

uvloop.install()


async def noop(context, told=""):
    """Do nothing, or say that it ran."""
    if told:
        sending.tell(told)


class Worker:
    """It polls: every half second by its default, which would be both figures."""

    functions = (noop,)
    redis_settings = RedisSettings.from_dsn(os.environ["BENCH_REDIS_URL"])
    poll_delay = 0.01
    max_jobs = 100
    keep_result = 0
    log_results = False


async def main():
    pool = await create_pool(Worker.redis_settings)

    async def send(*told):
        await pool.enqueue_job("noop", *told)

    await sending.main(send, lambda count: sending.at_once(send, count))
    await pool.aclose()


if __name__ == "__main__":
    asyncio.run(main())
