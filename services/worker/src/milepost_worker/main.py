"""Owns the wiring of one worker process, and its end. Decides nothing else."""

import importlib
import logging
import os
import random
import signal
import socket
import sys
import threading
import time
from functools import partial
from secrets import token_hex
from types import FrameType

import dramatiq

from milepost import logs
from milepost.definitions import definitions
from milepost.endings import Endings
from milepost.errors import ConfigurationError, LogUnavailable
from milepost.settings import Settings
from milepost.task_types import TaskType
from milepost_log import catalogue, server_checks
from milepost_log.connection import connect
from milepost_log.work import StartedTask, WorkLog
from milepost_worker import actors
from milepost_worker.broker import RunsOnce, StreamBroker
from milepost_worker.doorbell import Doorbell
from milepost_worker.given_up import GivenUp
from milepost_worker.heart import Heart
from milepost_worker.jobs import Job, type_of
from milepost_worker.outbox import Outbox
from milepost_worker.session import Session

logger = logging.getLogger(__name__)

SHIPPED = ("milepost_worker.tasks.mail", "milepost_worker.tasks.demo")
ANNOUNCE_SECONDS = 3600.0
TURN_SECONDS = 5.0
"""How long the last turn may take once everything has been told to stop."""


def run(threads: int = 8, tasks: str | None = None) -> int:
    """Run tasks until SIGTERM or SIGINT; what is left then is handed back. The exit status."""
    try:
        settings = Settings.load(**({"tasks": tasks} if tasks else {}))
        logs.configure(settings.log_format)
        _import_tasks(settings)
        server_checks.at_start(settings.redis_url, settings.durability)
    except ConfigurationError as err:
        sys.stderr.write(f"milepost: {err}\n")
        return 2
    logging.getLogger("dramatiq").setLevel(logging.CRITICAL)  # what it says, we say with task ids
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    _serve(settings, threads, stopping)
    return 0


def _serve(settings: Settings, threads: int, stopping: threading.Event) -> None:
    known = definitions()
    queues = settings.queues or tuple(sorted({d.announcement.queue for d in known.values()}))
    client = connect(settings.redis_url)

    def open_log() -> WorkLog:
        name = f"{socket.gethostname()}.{os.getpid()}.{token_hex(4)}"
        return WorkLog(client, settings.namespace, name, queues, known)

    def describe(started: StartedTask, outbox: Outbox) -> Job:
        name = type_of(started)
        attempts = known[name].max_attempts if name in known else 1
        return Job(started, name, max_attempts=attempts, keep=outbox.keep)

    session = Session(
        open_log,
        partitions=settings.partitions,
        threads=threads,
        lease_seconds=settings.lease_seconds,
        grace_seconds=settings.grace_seconds,
        max_log_lines=settings.max_log_lines,
        describe=describe,
        given_up=GivenUp(
            partial(catalogue.read_since, client, settings.namespace),
            clock=time.time,
            monotonic=time.monotonic,
        ),
    )
    endings = Endings(settings.max_result_bytes, chance=random.random)
    broker = StreamBroker(session, endings)
    broker.add_middleware(RunsOnce())
    actors.declare(broker, known.values())
    broker.emit_after("process_boot")
    heart = Heart(settings.redis_url, settings.namespace, settings.lease_seconds, session.state)
    session.on_held = heart.holds
    heart.tick()  # it beats before anything is taken
    heart.start()
    worker = dramatiq.Worker(broker, worker_threads=threads, worker_timeout=500)
    worker.start()
    doorbell = Doorbell(settings.redis_url, settings.namespace, queues, session.ring, session.stop)
    doorbell.start()
    logger.info("worker is ready", extra={"worker": session.worker, "queues": ",".join(queues)})
    _attend_until(stopping, settings)
    session.draining = True
    doorbell.stop()
    worker.stop(timeout=int(settings.grace_seconds * 1000))
    for consumer in worker.consumers.values():
        consumer.join(TURN_SECONDS)
    if not any(consumer.is_alive() for consumer in worker.consumers.values()):
        session.close()  # only one thread may turn a session
    heart.stop()
    logger.info("worker has stopped", extra={"worker": session.worker})
    logging.shutdown()
    os._exit(0)  # a task thread that outlived its grace must not keep the process


def _attend_until(stopping: threading.Event, settings: Settings) -> None:
    """Keep the catalogue fresh and an eye on the server until told to stop."""
    client = connect(settings.redis_url)
    watch = server_checks.Watch(settings.durability)
    announced_at = float("-inf")
    while not stopping.is_set():
        pause = server_checks.LOOK_SECONDS
        try:
            watch.look(client)
            if time.monotonic() - announced_at > ANNOUNCE_SECONDS:
                catalogue.announce(client, settings.namespace, _announcements(settings))
                announced_at = time.monotonic()
        except LogUnavailable:
            logger.debug("could not look at the server or announce the task types")
            pause = server_checks.AWAY_SECONDS
        stopping.wait(pause)


def _announcements(settings: Settings) -> list[TaskType]:
    now = time.time()
    found: list[TaskType] = []
    for definition in definitions().values():
        public = definition.announcement.public or definition.name in settings.public_types
        update = {"announced_at": now, "public": public}
        found.append(definition.announcement.model_copy(update=update))
    return found


def _import_tasks(settings: Settings) -> None:
    """Import the modules that define tasks; the current folder counts as their home.

    Raises:
        ConfigurationError: a module cannot be imported, or defines something that is no task.
    """
    if "" not in sys.path:
        sys.path.insert(0, "")
    own = [name.strip() for name in settings.tasks.split(",") if name.strip()]
    for name in (*SHIPPED, *own):
        try:
            importlib.import_module(name)
        except (Exception, SystemExit) as err:
            reason = " ".join(str(err).split())[:300]
            raise ConfigurationError(
                f"MILEPOST_TASKS: cannot import {name!r}: {type(err).__name__}: {reason}"
            ) from err
