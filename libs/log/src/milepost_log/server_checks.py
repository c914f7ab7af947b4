"""Owns what a Redis has to be like for the promises to hold, and how full it is. Changes nothing.

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
from milepost_log.connection import connect, translated

_log = logging.getLogger(__name__)

Durability = Literal["fsync", "memory"]
LOOK_SECONDS = 5.0
AWAY_SECONDS = 0.5
"""A server that is away is looked at so often: it may come back as another."""
SECTIONS = ("memory", "persistence")


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
    with connect(url) as client, suppress(LogUnavailable):
        server = ask(client)
        if fault := fault_of(server, durability):
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


class Watch:
    """Looks at a server again and again: it may be restarted, replaced or set otherwise."""

    def __init__(self, durability: Durability) -> None:
        self._durability: Durability = durability
        self._config = True
        self.server: Server | None = None
        """As last seen; null before that."""
        self.fault: str | None = None
        """What is wrong with it; null while nothing is."""

    def look(self, client: redis.Redis) -> None:
        """Look once, from a thread.

        Raises:
            LogUnavailable: it does not answer; then CONFIG is tried again next time.
        """
        try:
            self._see(ask(client, config=self._config))
        except LogUnavailable:
            self._config = True
            raise

    async def look_async(self, client: redis.asyncio.Redis) -> None:
        """Look once, from asyncio; the same as `look`."""
        try:
            self._see(await ask_async(client, config=self._config))
        except LogUnavailable:
            self._config = True
            raise

    async def keep_looking(self, client: redis.asyncio.Redis) -> None:
        """Look until cancelled."""
        while True:
            pause = LOOK_SECONDS
            try:
                await self.look_async(client)
            except LogUnavailable:
                pause = AWAY_SECONDS
            await asyncio.sleep(pause)

    def _see(self, server: Server) -> None:
        self._config = server.appendfsync is not None  # what was refused once is not tried for ever
        self.server = server
        before, self.fault = self.fault, fault_of(server, self._durability)
        if self.fault is None:
            _say_what_is_accepted(server, self._durability)
            if before:
                _log.info("the server is as it has to be again", extra={"action": "check"})
        elif self.fault != before:
            _log.error("%s", self.fault, extra={"action": "check"})


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
