"""Celery's no-op task, acknowledged early or (BENCH_LATE) late; as a program it sends."""

import asyncio
import os

import sending
from celery import Celery, group

app = Celery("noop_celery", broker=os.environ["BENCH_REDIS_URL"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=os.environ.get("BENCH_LATE") == "1",
    worker_prefetch_multiplier=64,  # tasks of microseconds
)


@app.task
def noop(told=""):
    """Do nothing, or say that it ran."""
    if told:
        sending.tell(told)


async def send(*told):
    noop.delay(*told)


async def send_many(count):
    group(noop.s() for _ in range(count)).apply_async()


if __name__ == "__main__":
    asyncio.run(sending.main(send, send_many))
