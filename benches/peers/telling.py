"""What telling progress costs: tqdm (ns), Celery, RQ, RQ with a row (us). For the peers' Python."""

import io
import json
import os
import sqlite3
import sys
import time

import flask_rq
import redis
from celery import Celery
from rq import Queue
from sqlalchemy.orm import Session
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


def rq_and_row(count):
    """Microseconds a call of `save_meta`, and a row replaced by SQL of our own, with a WAL."""
    file = f"{os.environ['BENCH_FOLDER']}/rows.db"
    with redis.Redis.from_url(URL) as server, sqlite3.connect(file) as rows:
        rows.execute("PRAGMA journal_mode = WAL")
        rows.execute("PRAGMA synchronous = NORMAL")
        rows.execute("CREATE TABLE IF NOT EXISTS told (task_id PRIMARY KEY, timestamp, payload)")
        task = Queue(connection=server).enqueue("builtins.len", "x")
        began = time.perf_counter()
        for done in range(count):
            task.meta["done"] = done
            task.save_meta()
            rows.execute("DELETE FROM told WHERE task_id = ?", (task.id,))
            row = (task.id, time.time(), json.dumps({"done": done, "total": count}))
            rows.execute("INSERT INTO told VALUES (?, ?, ?)", row)
            rows.commit()
        return 1e6 * (time.perf_counter() - began) / count


def rq_and_orm(count):
    """Microseconds a call, as flask_rq has it: by the ORM, with the journal that is the default."""
    flask_rq.tables()
    with redis.Redis.from_url(URL) as server, Session(flask_rq.engine) as session:
        task = Queue(connection=server).enqueue("builtins.len", "x")
        began = time.perf_counter()
        for done in range(count):
            flask_rq.tell(session, task, "somebody", done, count)
        return 1e6 * (time.perf_counter() - began) / count


def main(items, calls):
    items, calls = int(items), int(calls)
    bar, worked = tqdm(range(items), file=io.StringIO()), time.thread_time_ns()
    told = {"tqdm": per_item(bar, items)}
    told["tqdm_cpu"] = (time.thread_time_ns() - worked) / items
    for name, tell in (("celery", celery), ("rq", rq), ("wal", rq_and_row), ("orm", rq_and_orm)):
        tell(10)
        told[name] = tell(calls // 10 if name == "orm" else calls)
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
