"""Owns the wiring of notify: settings to connections to endpoints and projectors. Decides none."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from secrets import token_hex

import uvloop
from fastapi import FastAPI

from milepost import logs
from milepost.errors import ConfigurationError
from milepost.keys import PartitionKeys
from milepost.settings import Settings
from milepost.tracing import Tracer, open_tracer
from milepost_log.buckets import request_buckets
from milepost_log.reader import LogReader, created_at
from milepost_log.revocations import RevokedList
from milepost_log.server_checks import Watch, at_start
from milepost_log.servers import AsyncServers, open_servers_async
from milepost_notify.app import create_notify
from milepost_notify.delivery import Delivery
from milepost_notify.deployment_figures import DeploymentFigures
from milepost_notify.hub import Hub
from milepost_notify.load import Load
from milepost_notify.operators import Operators
from milepost_notify.owned import Queries, Sources
from milepost_notify.parts import Parts
from milepost_notify.places import Places
from milepost_notify.projection_figures import ProjectionFigures
from milepost_notify.projection_traces import ProjectionTraces
from milepost_notify.projector import Ports, Projection
from milepost_notify.readiness import Readiness
from milepost_notify.redis_replicas import Gathering
from milepost_notify.redis_standings import RedisStandings
from milepost_notify.redis_wakeups import Listener, announce
from milepost_notify.replicas import Replicas
from milepost_notify.sql import SqlProjectionStore
from milepost_notify.sql_oversight import SqlOversight
from milepost_notify.sql_reads import SqlReadStore
from milepost_notify.supervisor import Supervised
from milepost_notify.tables import SCHEMA
from milepost_notify.turns import Shared
from milepost_service.credentials import Clock, Registry
from milepost_service.database import Database
from milepost_service.introspection import AskedRegistry
from milepost_service.metrics import Metrics
from milepost_service.migrations import Upgrade, require, upgrade
from milepost_service.probes import probed
from milepost_service.revocations import Revocations
from milepost_service.running import Liveness, running
from milepost_service.serve import listen, serve

BLOCKING_ANSWER_SECONDS = 3.0
"""A blocking read answers within one second."""
SWITCH_SECONDS = 0.0001
YOUNG_OBJECTS = 20_000
DAY_MS = 24 * 3600 * 1000

_log = logging.getLogger(__name__)


def migrate(settings: Settings) -> Upgrade | None:
    """Bring notify's tables up to date; null when there was nothing to do."""
    return upgrade(settings.database_url, SCHEMA)


def build(
    settings: Settings,
    *,
    clock: Clock = time.time,
    project: bool = True,
    registry: Registry | None = None,
) -> FastAPI:
    """Make notify's application on a database that is up to date; it connects when it starts.

    Args:
        clock: seconds since the epoch.
        project: whether the projectors of all partitions run in this process too.
        registry: what knows sessions and access tokens; submit by HTTP unless given.

    Raises:
        ConfigurationError: a URL is unusable.
    """
    servers = open_servers_async(settings.redis_url)
    database = Database.open(settings.database_url, SCHEMA.name)
    reads = SqlReadStore(settings.database_url, settings.partitions)
    hub = Hub(time.monotonic)
    partitions = range(settings.partitions)
    listener = Listener(servers, settings.namespace, partitions, hub)

    def now_ms() -> int:
        return int(clock() * 1000)

    standings = RedisStandings(
        servers,
        settings.namespace,
        settings.partitions,
        lease_seconds=settings.lease_seconds,
        monotonic=time.monotonic,
        now_ms=now_ms,
    )
    delivery = Delivery(
        reads,
        hub,
        partitions=settings.partitions,
        now_ms=now_ms,
        monotonic=time.monotonic,
        load=Load(time.process_time, time.monotonic),
        standings=standings,
    )
    places = Places(settings.max_waiting)
    watch = Watch(settings.durability)
    revocations = Revocations(RevokedList(servers, settings.namespace).look)
    registry = registry or AskedRegistry(settings, clock)
    oversight = SqlOversight(reads, settings.partitions)
    figures, liveness = ProjectionFigures(), Liveness()
    tracer = open_tracer(settings, "notify")
    readiness = Readiness(servers, database, hub, _log_keys(settings), watch)

    limit = request_buckets(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        app.state.parts = Parts(
            Queries(
                Sources(
                    reads,
                    delivery,
                    places,
                    standings,
                    revocations,
                    settings.partitions,
                    now_ms,
                    partial(created_at, servers, settings.namespace, settings.partitions),
                )
            ),
            places,
            Operators(
                oversight,
                servers,
                standings,
                settings.namespace,
                settings.partitions,
                now_ms,
            ),
        )
        async with AsyncExitStack() as stack:
            if tracer is not None:
                stack.callback(tracer.close)
            stack.push_async_callback(servers.aclose)
            if limit is not None:
                stack.push_async_callback(limit.aclose)
            stack.push_async_callback(database.close)
            stack.push_async_callback(app.state.verified.aclose)
            stack.push_async_callback(reads.close)
            looking = (
                listener.run(),
                watch.keep_looking(servers),
                standings.keep_looking(),
                revocations.keep_looking(),
            )
            await stack.enter_async_context(running(*looking, liveness=liveness))
            if project:
                projectors = projecting(settings, watch, figures, liveness, tracer)
                readiness.supervised = await stack.enter_async_context(projectors)
            yield

    app = create_notify(
        settings,
        lifespan,
        readiness.run,
        clock,
        registry,
        revocations,
        buckets=limit,
        live=liveness.checks,
        tracer=tracer,
    )
    app.state.stop_waiting = hub.close
    deployment = DeploymentFigures(
        servers,
        settings.namespace,
        settings.partitions,
        oversight,
        workers=standings.working,
        waiting=lambda: places.all_taken,
        monotonic=time.monotonic,
    )
    app.state.metrics.add(deployment, deployment.look)
    if project:
        app.state.metrics.add(figures)
    return app


@asynccontextmanager
async def projecting(
    settings: Settings,
    watch: Watch,
    figures: ProjectionFigures | None = None,
    liveness: Liveness | None = None,
    tracer: Tracer | None = None,
) -> AsyncGenerator[list[Supervised]]:
    """Project our share of the partitions until the end of the block, all of them while there is no
    other replica; `watch` knows how large logs may be, `figures` counts."""
    tune()
    figures = figures or ProjectionFigures()

    async with AsyncExitStack() as stack:
        store = SqlProjectionStore(settings.database_url)
        stack.push_async_callback(store.close)
        servers = open_servers_async(settings.redis_url)
        stack.push_async_callback(servers.aclose)
        keep_bytes = partial(_keep_bytes, servers, watch, _log_keys(settings))
        replicas = Replicas(f"{socket.gethostname()}.{os.getpid()}.{token_hex(4)}")
        turns = Shared(replicas)
        gathering = Gathering(servers, settings.namespace, replicas, turns)
        supervised = list[Supervised]()
        for partition in range(settings.partitions):
            blocking = open_servers_async(
                settings.redis_url, answer_seconds=BLOCKING_ANSWER_SECONDS
            )
            stack.push_async_callback(blocking.aclose)
            ports = Ports(
                store=store,
                reader=LogReader(blocking, settings.namespace, partition),
                writer=LogReader(
                    servers,
                    settings.namespace,
                    partition,
                    keep_bytes=partial(keep_bytes, partition),
                ),
                announce=partial(announce, servers, settings.namespace, partition),
                monotonic=time.monotonic,
                dead_letter=partial(_dead_letter, partition),
                keep_ms=int(settings.log_keep * 1000),
                history_ms=int(settings.history_days * DAY_MS),
                figures=figures,
                traces=None if tracer is None else ProjectionTraces(tracer),
            )
            begin = partial(Projection, partition, ports)
            supervised.append(Supervised(partition, begin, turns))
        figures.supervised = supervised
        projectors = (each.run() for each in supervised)
        await stack.enter_async_context(running(gathering.run(), *projectors, liveness=liveness))
        yield supervised


def run(*, host: str, port: int) -> int:
    """Run `milepost notify` until it is told to stop; the process' exit status."""
    try:
        settings = Settings.load()
        settings.require_secret()
        logs.configure(settings.log_format, "notify")
        at_start(settings.redis_url, settings.durability)
        require(settings.database_url, SCHEMA)
        sock = listen(host, port)
        app = build(settings, project=False)
        return serve(app, settings, sock=sock, on_stop=app.state.stop_waiting)
    except ConfigurationError as err:
        sys.stderr.write(f"milepost: {err}\n")
        return 2


def run_projector() -> int:
    """Run `milepost projector` until it is told to stop; the process' exit status."""
    try:
        settings = Settings.load()
        logs.configure(settings.log_format, "projector")
        at_start(settings.redis_url, settings.durability)
        require(settings.database_url, SCHEMA)
        sock = None
        if settings.metrics_port is not None:
            sock = listen(settings.host, settings.metrics_port)
        uvloop.run(_project_until_told(settings, sock, open_tracer(settings, "projector")))
    except ConfigurationError as err:
        sys.stderr.write(f"milepost: {err}\n")
        return 2
    return 0


async def _project_until_told(
    settings: Settings, sock: socket.socket | None, tracer: Tracer | None
) -> None:
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    watch, servers = Watch(settings.durability), open_servers_async(settings.redis_url)
    figures, liveness, metrics = ProjectionFigures(), Liveness(), Metrics("projector")
    metrics.add(figures)
    async with AsyncExitStack() as stack:
        if tracer is not None:
            stack.callback(tracer.close)
        stack.push_async_callback(servers.aclose)
        looking = running(watch.keep_looking(servers), liveness=liveness)
        await stack.enter_async_context(looking)
        projectors = projecting(settings, watch, figures, liveness, tracer)
        supervised = await stack.enter_async_context(projectors)
        if sock is not None:
            database = Database.open(settings.database_url, SCHEMA.name)
            stack.push_async_callback(database.close)
            readiness = Readiness(servers, database, None, _log_keys(settings), watch)
            readiness.supervised = supervised
            answers = probed(sock, metrics, readiness.run, liveness.checks)
            await stack.enter_async_context(answers)
        await told.wait()


def _log_keys(settings: Settings) -> list[str]:
    """The key of each partition's log, in order."""
    return [PartitionKeys(settings.namespace, each).log for each in range(settings.partitions)]


def _keep_bytes(servers: AsyncServers, watch: Watch, logs: list[str], partition: int) -> int:
    """How large a log may be: a quarter of a primary's memory is for all logs that are there."""
    names = [servers.address_of(log) for log in logs]
    server = watch.servers.get(names[partition])
    return 0 if server is None else server.max_bytes // 4 // names.count(names[partition])


def _dead_letter(partition: int, position: str, reason: str) -> None:
    fields = {"action": "bury", "partition": partition, "position": position, "reason": reason}
    _log.warning("undecodable event", extra=fields)


def tune() -> None:
    """Let batches of thousands of small objects pass without a look at all there are, and let the
    thread that writes to the database have its turn soon."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)
