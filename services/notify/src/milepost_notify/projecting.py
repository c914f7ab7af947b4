"""Owns running the projectors of a process: one for each partition, on connections of their own."""

import gc
import logging
import os
import socket
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from secrets import token_hex

from milepost.keys import PartitionKeys
from milepost.settings import Settings
from milepost.tracing import Tracer
from milepost_log.reader import LogReader
from milepost_log.server_checks import Watch
from milepost_log.servers import AsyncServers, open_servers_async
from milepost_notify.projection_figures import ProjectionFigures
from milepost_notify.projection_traces import ProjectionTraces
from milepost_notify.projector import Ports, Projection
from milepost_notify.redis_replicas import Gathering
from milepost_notify.redis_wakeups import announce
from milepost_notify.replicas import Replicas
from milepost_notify.sql import SqlProjectionStore
from milepost_notify.supervisor import Supervised
from milepost_notify.turns import Shared
from milepost_service.running import Liveness, running

BLOCKING_ANSWER_SECONDS = 3.0
"""A blocking read answers within one second."""
SWITCH_SECONDS = 0.0001
YOUNG_OBJECTS = 100_000
"""See docs/adr/0062: a batch of 2,000 events makes 15,500 that live until it is saved."""
DAY_MS = 24 * 3600 * 1000

_log = logging.getLogger(__name__)


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
        keep_bytes = partial(_keep_bytes, servers, watch, log_keys(settings))
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


def log_keys(settings: Settings) -> list[str]:
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
    if gc.get_threshold()[0] != YOUNG_OBJECTS:  # once in a process: what is there now stays
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS, 20, 50)
