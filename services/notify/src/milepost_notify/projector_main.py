"""Owns the wiring of a projector process, and its end. Decides nothing."""

import asyncio
import signal
import socket
import sys
from contextlib import AsyncExitStack

import uvloop

from milepost import logs
from milepost.errors import ConfigurationError
from milepost.settings import Settings
from milepost.tracing import Tracer, open_tracer
from milepost_log.server_checks import Watch, at_start
from milepost_log.servers import open_servers_async
from milepost_notify.projecting import log_keys, projecting
from milepost_notify.projection_figures import ProjectionFigures
from milepost_notify.readiness import Readiness
from milepost_notify.tables import SCHEMA
from milepost_service.database import Database
from milepost_service.metrics import Metrics
from milepost_service.migrations import require
from milepost_service.probes import probed
from milepost_service.running import Liveness, running
from milepost_service.serve import listen


def run() -> int:
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
            readiness = Readiness(servers, database, None, log_keys(settings), watch)
            readiness.supervised = supervised
            answers = probed(sock, metrics, readiness.run, liveness.checks)
            await stack.enter_async_context(answers)
        await told.wait()
