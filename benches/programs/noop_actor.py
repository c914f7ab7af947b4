"""The peer's no-op actor, imported by its own worker process; broker as dramatiq makes it."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

broker = RedisBroker(url=os.environ["BENCH_REDIS_URL"])
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name="default")
def noop() -> None:
    """Do nothing."""
