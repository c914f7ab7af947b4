"""Owns what each primary has to be like for the promises to hold, and how full it is. Changes none.

Durable as MILEPOST_DURABILITY says, and evicting nothing. INFO answers most of it, also where a
managed Redis refuses CONFIG; CONFIG GET is for `appendfsync` alone and never needed.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast

import redis
import redis.asyncio
from redis.exceptions import NoPermissionError, ResponseError

from milepost.errors import ConfigurationError, LogUnavailable
from milepost_log.connection import translated
from milepost_log.routing import NoCluster
from milepost_log.servers import AsyncServers, Servers, open_servers

_log = logging.getLogger(__name__)

Durability = Literal["fsync", "memory"]
LOOK_SECONDS = 5.0
AWAY_SECONDS = 0.5
"""A server that is away is looked at so often: it may come back as another."""
PING_SECONDS = 1.0
"""Less than a readiness check may take."""
SECTIONS = ("memory", "persistence", "cluster")


@dataclass(frozen=True, slots=True)
class Server:
    """What a server says of itself; null is what it does not tell us."""

    aof_enabled: bool | None
    appendfsync: str | None
    eviction: str | None
    """Its maxmemory-policy."""
    used_bytes: int
    max_bytes: int
    """0 for no limit."""
    cluster_enabled: bool = False


def fault_of(server: Server, durability: Durability) -> str | None:
    """What is wrong with a server, in one line with the remedy; null when nothing is."""
    if server.eviction not in (None, "noeviction"):
        return (
            f"Redis would throw tasks away when it is full (maxmemory-policy {server.eviction}): "
            "set maxmemory-policy noeviction"
        )
    found: list[str] = []
    if server.aof_enabled is False:
        found.append("appendonly no")
    if server.appendfsync not in (None, "always"):
        found.append(f"appendfsync {server.appendfsync}")
    if durability == "memory" or not found:
        return None
    return (
        f"Redis would lose accepted tasks when it is killed ({', '.join(found)}): set appendonly "
        "yes and appendfsync always, or accept it with MILEPOST_DURABILITY=memory"
    )


def at_start(url: str, durability: Durability) -> None:
    """Stop a process before it relies on a server that keeps no promise.

    One that is away now is looked at by a `Watch` when it comes.

    Raises:
        ConfigurationError: it is not as it has to be, or the URL is none.
    """
    with open_servers(url) as servers:
        try:
            primaries = servers.primaries()
        except NoCluster as err:
            raise ConfigurationError(f"MILEPOST_REDIS_URL: {err}") from err
        except LogUnavailable:
            return
        for name, client in primaries.items():
            with suppress(LogUnavailable):
                server = ask(client)
                if fault := _fault_at(name, server, durability):
                    raise ConfigurationError(fault)
                _say_what_is_accepted(server, durability)


def ask(client: redis.Redis, *, config: bool = True) -> Server:
    """Ask a server about itself, from a thread.

    Args:
        config: whether to try CONFIG.

    Raises:
        LogUnavailable: it does not answer, or is still loading.
    """
    info: Mapping[str, Any] = {}
    fsync: Mapping[str, str] = {}
    with translated():
        with suppress(NoPermissionError):
            info = cast(dict[str, Any], client.info(*SECTIONS))  # pyright: ignore  # untyped
        if config:
            with suppress(ResponseError):
                fsync = cast(dict[str, str], client.config_get("appendfsync"))  # pyright: ignore  # untyped
    return _server(info, fsync)


async def ask_async(client: redis.asyncio.Redis, *, config: bool = True) -> Server:
    """Ask a server about itself, from asyncio; the same as `ask`."""
    info: Mapping[str, Any] = {}
    fsync: Mapping[str, str] = {}
    with translated():
        with suppress(NoPermissionError):
            info = cast(dict[str, Any], await client.info(*SECTIONS))  # pyright: ignore  # untyped
        if config:
            with suppress(ResponseError):
                fsync = cast(dict[str, str], await client.config_get("appendfsync"))  # pyright: ignore  # untyped
    return _server(info, fsync)


async def answering(servers: AsyncServers) -> set[str]:
    """Names of the primaries that answer now.

    Raises:
        LogUnavailable: none does.
    """

    async def ping(client: redis.asyncio.Redis) -> LogUnavailable | None:
        try:
            async with asyncio.timeout(PING_SECONDS):
                with translated():
                    await client.ping()  # pyright: ignore  # untyped
        except TimeoutError:
            return LogUnavailable(f"Redis: no answer within {PING_SECONDS:g} s")
        except LogUnavailable as err:
            return err
        return None

    primaries = await servers.primaries()
    outcomes = await asyncio.gather(*map(ping, primaries.values()))
    well = {name for name, err in zip(primaries, outcomes, strict=True) if err is None}
    for err in outcomes:
        if not well and err is not None:
            raise err
    return well


class Watch:
    """Looks at all primaries again and again: one may be restarted, replaced or set otherwise."""

    def __init__(self, durability: Durability) -> None:
        self._durability: Durability = durability
        self._config = True
        self._away: set[str] = set()
        self.servers: dict[str, Server] = {}
        """As last seen, by the names that `address_of` gives; those that did not answer are left
        out."""
        self.fault: str | None = None
        """What is wrong with one of them; null while nothing is."""

    def look(self, servers: Servers) -> None:
        """Look once, from a thread.

        Raises:
            LogUnavailable: none answers; then CONFIG is tried again next time.
        """
        seen: dict[str, Server | LogUnavailable] = {}
        for name, client in servers.primaries().items():
            try:
                seen[name] = ask(client, config=self._config)
            except LogUnavailable as err:
                seen[name] = err
        self._see(seen)

    async def look_async(self, servers: AsyncServers) -> None:
        """Look once, from asyncio; the same as `look`."""

        async def look(client: redis.asyncio.Redis) -> Server | LogUnavailable:
            try:
                return await ask_async(client, config=self._config)
            except LogUnavailable as err:
                return err

        primaries = await servers.primaries()
        looks = await asyncio.gather(*map(look, primaries.values()))
        self._see(dict(zip(primaries, looks, strict=True)))

    async def keep_looking(self, servers: AsyncServers) -> None:
        """Look until cancelled."""
        while True:
            pause = LOOK_SECONDS
            try:
                await self.look_async(servers)
            except LogUnavailable:
                pause = AWAY_SECONDS
            await asyncio.sleep(AWAY_SECONDS if self._away else pause)

    def _see(self, seen: Mapping[str, Server | LogUnavailable]) -> None:
        found = {name: one for name, one in seen.items() if isinstance(one, Server)}
        away = seen.keys() - found.keys()
        # What was refused once is not tried for ever.
        self._config = bool(away) or all(one.appendfsync is not None for one in found.values())
        self.servers = found
        for err in seen.values():
            if not found and isinstance(err, LogUnavailable):
                raise err
        for name in away - self._away:
            fields = {"action": "check", "reason": str(seen[name])}
            _log.warning("primary %s is away", name, extra=fields)
        self._away = away
        faults = [_fault_at(name, one, self._durability) for name, one in found.items()]
        before, self.fault = self.fault, next((fault for fault in faults if fault), None)
        if self.fault is None:
            for one in found.values():
                _say_what_is_accepted(one, self._durability)
            if before:
                _log.info("the server is as it has to be again", extra={"action": "check"})
        elif self.fault != before:
            _log.error("%s", self.fault, extra={"action": "check"})


def _fault_at(name: str, server: Server, durability: Durability) -> str | None:
    """The fault of one primary; `name` is empty where no cluster is expected."""
    if server.cluster_enabled and not name:
        return "Redis is a node of a cluster: MILEPOST_REDIS_URL has to begin with redis+cluster://"
    fault = fault_of(server, durability)
    return f"{name}: {fault}" if name and fault else fault


def _server(info: Mapping[str, Any], config: Mapping[str, str]) -> Server:
    if info.get("loading"):  # it says then that its append-only file is off
        raise LogUnavailable("Redis is loading its data")
    aof = info.get("aof_enabled")
    return Server(
        aof_enabled=None if aof is None else bool(aof),
        appendfsync=config.get("appendfsync"),
        eviction=info.get("maxmemory_policy"),
        used_bytes=info.get("used_memory", 0),
        max_bytes=info.get("maxmemory", 0),
        cluster_enabled=bool(info.get("cluster_enabled")),
    )


def _say_what_is_accepted(server: Server, durability: Durability) -> None:
    if durability == "memory":
        _say("MILEPOST_DURABILITY=memory: tasks that were accepted may be lost with Redis")
    elif server.appendfsync is None:
        _say("Redis refuses CONFIG: that appendfsync is always is taken on trust")
    if server.eviction is None:
        _say("Redis refuses INFO: that it evicts nothing and appends to a file is taken on trust")


@cache
def _say(message: str) -> None:
    """Say it once a process."""
    _log.warning(message, extra={"action": "check"})
