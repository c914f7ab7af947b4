"""dramatiq's no-op actor on its RedisBroker; as a program it sends. For the peers' Python."""

import json
import os
import sys
import time

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

broker = RedisBroker(url=os.environ["BENCH_REDIS_URL"])
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name="default")
def noop():
    """Do nothing."""


@dramatiq.actor(queue_name="default")
def nap(seconds):
    """Do as if."""
    time.sleep(seconds)


@dramatiq.actor(queue_name="default")
def probe(answer):
    """Say when it runs, on the clock that all processes of a machine share, in ns."""
    broker.client.rpush(answer, time.monotonic_ns())


def fill(count):
    """Send one by one; messages a second."""
    began = time.perf_counter()
    for _ in range(count):
        noop.send()
    return count / (time.perf_counter() - began)


def idle(count):
    """Milliseconds from sending to the acknowledgement, one by one."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        noop.send()
        while broker.client.hlen("dramatiq:default.msgs"):
            time.sleep(0.0002)
        took.append(1000 * (time.perf_counter() - began))
    return took


def behind(count, seconds):
    """Milliseconds that one task waits behind `count` of another's, in one queue."""
    for _ in range(count):
        nap.send(seconds) if seconds else noop.send()
    began = time.monotonic_ns()
    probe.send("answer")
    patient = redis.Redis.from_url(os.environ["BENCH_REDIS_URL"], socket_timeout=None)
    ran = int(patient.blpop("answer", timeout=100)[1])
    return (ran - began) / 1e6


if __name__ == "__main__":
    done = {"fill": fill, "idle": idle, "behind": behind}[sys.argv[1]]
    print(json.dumps(done(*map(json.loads, sys.argv[2:]))))
