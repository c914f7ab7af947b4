"""Owns the wiring of one worker process, and its end. Decides nothing else."""

import gc
import logging
import os
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from secrets import token_hex
from types import FrameType
from typing import TYPE_CHECKING

import dramatiq
from dramatiq.middleware import Middleware, TimeLimit

from milepost import logs
from milepost.definitions import definitions
from milepost.endings import Endings
from milepost.errors import ConfigurationError, LogUnavailable
from milepost.settings import Settings
from milepost.task_types import TaskType
from milepost.tracing import Tracer, open_tracer
from milepost_log import catalogue, offers, server_checks
from milepost_log.attempts import StartedTask
from milepost_log.presence import build_of
from milepost_log.servers import open_servers
from milepost_log.work import WorkLog
from milepost_worker import actors, extensions
from milepost_worker.broker import RunsOnce, StreamBroker
from milepost_worker.doorbell import Doorbell
from milepost_worker.exposition import Exposition
from milepost_worker.given_up import HOPE_SECONDS, GivenUp
from milepost_worker.heart import Heart
from milepost_worker.jobs import Job, type_of
from milepost_worker.outbox import Outbox
from milepost_worker.session import Session
from milepost_worker.vitals import Vitals
from milepost_worker.work_queue import WorkQueue

if TYPE_CHECKING:
    from milepost_worker.figures import Figures

logger = logging.getLogger(__name__)

ANNOUNCE_SECONDS = 3600.0
YOUNG_OBJECTS = 10_000
"""Python's own is 700; see docs/adr/0062."""
PYTHONS_OWN = gc.get_threshold()
TURN_SECONDS = 5.0
"""How long the last turn may take once everything has been told to stop."""


def run(threads: int = 8, tasks: str | None = None) -> int:
    """Run tasks until SIGTERM or SIGINT; what is left then is handed back. The exit status."""
    try:
        settings = Settings.load(**({"tasks": tasks} if tasks else {}))
        logs.configure(settings.log_format, "worker")
        figures = _figures(settings)
        tracer = open_tracer(settings, "worker")
        if tracer is not None:
            tracer.share()  # before a user's module can choose another
        extensions.import_tasks(settings.tasks)
        brought = extensions.middleware(settings.middleware)
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
    _serve(settings, threads, stopping, brought, figures, tracer)
    return 0


def tune() -> None:
    """Let batches of small objects pass with fewer looks, unless a user's module has chosen."""
    if gc.get_threshold() == PYTHONS_OWN:
        gc.set_threshold(YOUNG_OBJECTS, *PYTHONS_OWN[1:])


def _serve(
    settings: Settings,
    threads: int,
    stopping: threading.Event,
    brought: Sequence[Middleware],
    figures: "Figures | None",
    tracer: Tracer | None,
) -> None:
    tune()
    known, build = definitions(), build_of(settings.build)
    queues = settings.queues or tuple(sorted({d.announcement.queue for d in known.values()}))
    of_owners = {n: d.max_running_per_owner for n, d in known.items() if d.max_running_per_owner}
    servers = open_servers(settings.redis_url)
    make_log = WorkLog if figures is None else figures.log

    def open_log() -> WorkLog:
        name = f"{socket.gethostname()}.{os.getpid()}.{token_hex(4)}"
        return make_log(servers, settings.namespace, name, queues, known, of_owners, build)

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
            lambda types: offers.offered_within(servers, settings.namespace, types, HOPE_SECONDS),
            monotonic=time.monotonic,
        ),
        max_running={name: d.max_running for name, d in known.items() if d.max_running},
    )
    endings = Endings(settings.max_result_bytes, chance=random.random)
    broker = StreamBroker(session, endings)
    for middleware in (RunsOnce(), *brought):
        broker.add_middleware(middleware)
    if figures is not None:  # before all others: what they skip has begun for it
        broker.add_middleware(figures, before=TimeLimit)
    actors.declare(broker, known.values(), tracer)
    broker.emit_after("process_boot")
    watch, announced = server_checks.Watch(settings.durability), threading.Event()
    if figures is not None:
        vitals = Vitals(
            turned_at=lambda: session.turned_at,
            monotonic=time.monotonic,
            log_is_away=lambda: bool(session.figures()[2]),
            fault=lambda: watch.fault or "",
            announced=announced.is_set,
            stopping=stopping.is_set,
        )
        figures.begin(session.figures, vitals)
    heart = Heart(
        settings.redis_url,
        settings.namespace,
        settings.lease_seconds,
        session.state,
        offers.lines(sorted(known), queues),
        build,
    )
    session.on_held = heart.holds
    heart.tick()  # it beats before anything is taken
    heart.start()
    worker = dramatiq.Worker(broker, worker_threads=threads, worker_timeout=500)
    worker.work_queue = WorkQueue()  # pyright: ignore[reportAttributeAccessIssue]  # all that it calls of one
    worker.start()
    doorbell = Doorbell(settings.redis_url, settings.namespace, queues, session.ring, session.stop)
    doorbell.start()
    logger.info("worker is ready", extra={"worker": session.worker, "queues": ",".join(queues)})
    _attend_until(stopping, settings, watch, announced)
    session.drain()
    doorbell.stop()
    worker.stop(timeout=int(settings.grace_seconds * 1000))
    for consumer in worker.consumers.values():
        consumer.join(TURN_SECONDS)
    if not any(consumer.is_alive() for consumer in worker.consumers.values()):
        session.close()  # only one thread may turn a session
    heart.stop()
    if tracer is not None:
        tracer.close()
    logger.info("worker has stopped", extra={"worker": session.worker})
    logging.shutdown()
    os._exit(0)  # a task thread that outlived its grace must not keep the process


def _figures(settings: Settings) -> "Figures | None":
    """What counts, if anything shall; made before a user's module can import its library.

    Raises:
        ConfigurationError: the port cannot be had.
    """
    if settings.metrics_port is None:
        return None
    exposition = Exposition(settings.host, settings.metrics_port)
    from milepost_worker.figures import Figures

    return Figures(exposition)


def _attend_until(
    stopping: threading.Event,
    settings: Settings,
    watch: server_checks.Watch,
    announced: threading.Event,
) -> None:
    """Keep the catalogue fresh and an eye on the server until told to stop."""
    servers = open_servers(settings.redis_url)
    announced_at = float("-inf")
    while not stopping.is_set():
        pause = server_checks.LOOK_SECONDS
        try:
            watch.look(servers)
            types = _announcements(settings)
            is_due = time.monotonic() - announced_at > ANNOUNCE_SECONDS
            if is_due or not catalogue.has(servers, settings.namespace, types):
                # First, so that nobody who meets a task of a type thinks that nobody does it.
                names = [each.name for each in types]
                offers.offer(servers, settings.namespace, offers.lines(names, ()))
                catalogue.announce(servers, settings.namespace, types)
                announced_at = time.monotonic()
            announced.set()
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
