"""Owns the wiring of submit: settings to connections to endpoints. Decides nothing."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from milepost import logs
from milepost.errors import ConfigurationError, LogUnavailable
from milepost.settings import Settings
from milepost.tracing import open_tracer
from milepost_log.buckets import request_buckets
from milepost_log.commands import CommandLog
from milepost_log.dead_letters import DeadLetters
from milepost_log.pauses import Pauses
from milepost_log.revocations import RevokedList
from milepost_log.server_checks import Watch, answering, at_start
from milepost_log.servers import open_servers, open_servers_async
from milepost_service import checks
from milepost_service.credentials import Clock
from milepost_service.database import Database
from milepost_service.migrations import Upgrade, require, upgrade
from milepost_service.revocations import Revocations
from milepost_service.running import Liveness, running
from milepost_service.schema_check import schema_check
from milepost_service.serve import listen, serve
from milepost_submit.access_tokens import AccessTokens
from milepost_submit.accounts import SCHEMA, Accounts
from milepost_submit.app import create_submit
from milepost_submit.archive import Archive
from milepost_submit.catalogue import Catalogue
from milepost_submit.owned import Commands
from milepost_submit.parts import Parts
from milepost_submit.passwords import Passwords
from milepost_submit.redis_log import Door
from milepost_submit.registry import Registry
from milepost_submit.room import Room
from milepost_submit.sessions import Sessions
from milepost_submit.sign_in_limit import SignInLimit

ANSWER_SECONDS = 1.5
"""So long a command waits for Redis: with what is asked before it a person learns within about two
seconds that it does not answer. Whether it was done then is found out by asking again."""


def migrate(settings: Settings) -> Upgrade | None:
    """Bring submit's tables up to date; null when there was nothing to do."""
    return upgrade(settings.database_url, SCHEMA)


def build(
    settings: Settings, *, clock: Clock = time.time, archive: Archive | None = None
) -> FastAPI:
    """Make submit's application on a database that is up to date; it connects when it starts.

    Args:
        clock: seconds since the epoch, for tokens, ids and task types.
        archive: what answers for tasks whose live state is gone; notify by HTTP unless given.

    Raises:
        ConfigurationError: a URL is unusable.
    """
    servers = open_servers_async(settings.redis_url, answer_seconds=ANSWER_SECONDS)
    waiting_servers = open_servers(settings.redis_url, answer_seconds=ANSWER_SECONDS)
    log = CommandLog(servers, settings.namespace, settings.partitions)
    database = Database.open(settings.database_url, SCHEMA.name)
    watch = Watch(settings.durability)
    door = Door(log)
    archive = archive or Archive(settings.notify_url)
    room = Room(servers, watch, log.log_key)
    revoked = RevokedList(servers, settings.namespace)
    revocations = Revocations(revoked.look)
    registry = Registry(
        sessions=Sessions(
            database,
            clock,
            life_seconds=settings.session_seconds,
            idle_seconds=settings.session_idle_seconds,
        ),
        access_tokens=AccessTokens(database, clock),
        secrets=settings.secrets,
        clock=clock,
        revoked=revoked,
        revocations=revocations,
    )
    parts = Parts(
        commands=Commands(door, room, archive, settings.max_live_tasks),
        dead_letters=DeadLetters(waiting_servers, settings.namespace, settings.partitions),
        pauses=Pauses(servers, settings.namespace, settings.partitions),
        catalogue=Catalogue(servers, settings.namespace, clock=clock),
        accounts=Accounts(database),
        passwords=Passwords(),
        sign_in_limit=SignInLimit(servers, settings.namespace),
        registry=registry,
    )

    limit, liveness = request_buckets(settings), Liveness()
    tracer = open_tracer(settings, "submit")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        app.state.parts = parts
        try:
            background = (
                door.keep_preparing(), watch.keep_looking(servers), revocations.keep_looking()
            )  # fmt: skip
            with waiting_servers:
                async with running(*background, liveness=liveness):
                    yield
        finally:
            await app.state.verified.aclose()
            await archive.close()
            await servers.aclose()
            if limit is not None:
                await limit.aclose()
            await database.close()
            if tracer is not None:
                tracer.close()

    async def ping() -> None:
        await answering(servers)
        await door.check()
        if watch.fault:
            raise checks.NotReady(watch.fault)

    async def has_types() -> None:
        if not await parts.catalogue.types():
            raise checks.NotReady("no worker has announced its task types yet")

    async def ready() -> dict[str, str]:
        return await checks.run(
            {
                "redis": ping,
                "database": database.check,
                "schema": schema_check(database, SCHEMA),
                "task_types": has_types,
            }
        )

    return create_submit(
        settings, lifespan, ready, clock, registry, revocations, limit, liveness.checks, tracer
    )


def run(*, host: str, port: int) -> int:
    """Run `milepost submit` until it is told to stop; the process' exit status."""
    try:
        settings = Settings.load()
        settings.require_secret()
        logs.configure(settings.log_format, "submit")
        sock = listen(host, port)
        at_start(settings.redis_url, settings.durability)
        require(settings.database_url, SCHEMA)
        with suppress(LogUnavailable):  # then the application goes on trying
            asyncio.run(_check_log(settings))
        return serve(build(settings), settings, sock=sock)
    except ConfigurationError as err:
        sys.stderr.write(f"milepost: {err}\n")
        return 2


async def _check_log(settings: Settings) -> None:
    """Stop before serving where the log is another deployment's."""
    servers = open_servers_async(settings.redis_url)
    try:
        await CommandLog(servers, settings.namespace, settings.partitions).prepare()
    finally:
        await servers.aclose()
