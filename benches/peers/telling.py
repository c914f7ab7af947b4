"""What telling progress costs: tqdm (ns), Celery and RQ (us). For the peers' Python."""

import io
import json
import os
import sys
import time

import redis
from celery import Celery
from rq import Queue
from tqdm import tqdm

URL = os.environ["BENCH_REDIS_URL"]
app = Celery("peer", broker=URL, backend=URL)


@app.task(bind=True)
def job(self):
    """Never run: only its state is told."""


def per_item(items, count):
    """Nanoseconds an iteration."""
    began = time.perf_counter_ns()
    for _ in items:
        pass
    return (time.perf_counter_ns() - began) / count


def celery(count):
    """Microseconds a call of `update_state`."""
    began = time.perf_counter()
    for done in range(count):
        job.update_state(task_id="1", state="PROGRESS", meta={"done": done, "total": count})
    return 1e6 * (time.perf_counter() - began) / count


def rq(count):
    """Microseconds a call of `save_meta`."""
    with redis.Redis.from_url(URL) as server:
        task = Queue(connection=server).enqueue("builtins.len", "x")
        began = time.perf_counter()
        for done in range(count):
            task.meta["done"] = done
            task.save_meta()
        return 1e6 * (time.perf_counter() - began) / count


def main(items, calls):
    items, calls = int(items), int(calls)
    told = {"tqdm": per_item(tqdm(range(items), file=io.StringIO()), items)}
    celery(10), rq(10)
    print(json.dumps(told | {"celery": celery(calls), "rq": rq(calls)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
