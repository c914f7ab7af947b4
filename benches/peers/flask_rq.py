"""The pattern many start with: an RQ job tells by `save_meta` and a row, a page polls the rows.

SQLAlchemy on SQLite with its own journal, Flask, RQ's forking worker; for the peers' Python. As a
program: `tables` makes them, `send USERS COUNT PAUSE_SECONDS` sends a job for each user.
"""

import json
import os
import sys
import time

import redis
from flask import Flask, jsonify, request
from rq import Queue, Worker, get_current_job
from sqlalchemy import create_engine, delete, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

Preloaded = Worker  # by naming it here, workers import this before they fork: RQ's own advice
engine = create_engine(
    f"sqlite:///{os.environ['BENCH_FOLDER']}/app.db",
    connect_args={"timeout": 60},  # of its default, 5 s, jobs die on a busy machine
)
app = Flask(__name__)


class Base(DeclarativeBase):
    """All tables."""


class Notification(Base):
    """What a user's page is to show; one a task, replaced by its successor."""

    __tablename__ = "notifications"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    username: Mapped[str] = mapped_column(index=True)
    task_id: Mapped[str] = mapped_column(index=True)
    timestamp: Mapped[float] = mapped_column(index=True)
    payload: Mapped[str]


def tell(session, job, username, done, total):
    """Tell of progress in both stores."""
    job.meta["progress"] = 100 * (done + 1) // total
    job.save_meta()
    told = {"done": done, "message": str(time.monotonic_ns()), "status": "running"}
    session.execute(delete(Notification).where(Notification.task_id == job.id))
    session.add(
        Notification(name="task_progress", username=username, task_id=job.id,
                     timestamp=time.time(), payload=json.dumps(told))
    )  # fmt: skip
    session.commit()


def reports(username, count, pause_seconds):
    """The job: tell so often, in time."""
    job, due = get_current_job(), time.monotonic()
    with Session(engine) as session:
        for number in range(count):
            due += pause_seconds
            time.sleep(max(0.0, due - time.monotonic()))
            tell(session, job, username, number, count)


@app.get("/notifications")
def notifications():
    """What is newer than the page's last, oldest first."""
    newer = (
        select(Notification)
        .where(Notification.username == request.args["username"])
        .where(Notification.timestamp > request.args.get("since", 0.0, float))
        .order_by(Notification.timestamp)
    )
    with Session(engine) as session:
        return jsonify(
            [
                {"name": row.name, "data": json.loads(row.payload), "timestamp": row.timestamp}
                for row in session.scalars(newer)
            ]
        )


def tables():
    Base.metadata.create_all(engine)


def send(users, count, pause_seconds):
    queue = Queue(connection=redis.Redis.from_url(os.environ["BENCH_REDIS_URL"]))
    for number in range(users):
        queue.enqueue("flask_rq.reports", f"user {number}", count, pause_seconds)


if __name__ == "__main__":
    done = {"tables": tables, "send": send}[sys.argv[1]]
    print(json.dumps(done(*map(json.loads, sys.argv[2:]))))
