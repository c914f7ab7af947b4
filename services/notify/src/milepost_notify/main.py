"""Owns the wiring of notify: settings to connections to endpoints and projectors. Decides none."""

import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI

from milepost import logs
from milepost.errors import ConfigurationError
from milepost.settings import Settings
from milepost.tracing import open_tracer
from milepost_log.buckets import request_buckets
from milepost_log.reader import created_at
from milepost_log.revocations import RevokedList
from milepost_log.server_checks import Watch, at_start
from milepost_log.servers import open_servers_async
from milepost_notify.app import create_notify
from milepost_notify.delivery import Delivery
from milepost_notify.deployment_figures import DeploymentFigures
from milepost_notify.hub import Hub
from milepost_notify.load import Load
from milepost_notify.operators import Operators
from milepost_notify.owned import Queries, Sources
from milepost_notify.parts import Parts
from milepost_notify.places import Places
from milepost_notify.projecting import log_keys, projecting
from milepost_notify.projection_figures import ProjectionFigures
from milepost_notify.readiness import Readiness
from milepost_notify.redis_standings import RedisStandings
from milepost_notify.redis_wakeups import Listener
from milepost_notify.sql_oversight import SqlOversight
from milepost_notify.sql_reads import SqlReadStore
from milepost_notify.tables import SCHEMA
from milepost_service.credentials import Clock, Registry
from milepost_service.database import Database
from milepost_service.introspection import AskedRegistry
from milepost_service.migrations import Upgrade, require, upgrade
from milepost_service.revocations import Revocations
from milepost_service.running import Liveness, running
from milepost_service.serve import listen, serve


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
    readiness = Readiness(servers, database, hub, log_keys(settings), watch)

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
