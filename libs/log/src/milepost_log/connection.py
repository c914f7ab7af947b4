"""Owns connections to one Redis server and what its errors mean to us. Knows no key, no script.

A server is also the simplest kind of `servers`: one primary that has every key. redis-py's own
retries are off: our scripts are safe to repeat and their callers repeat them knowingly.
"""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from typing import Self, cast

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError
from redis.retry import Retry

from milepost.errors import ConfigurationError, LogFull, LogUnavailable
from milepost_log.together import Together

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 10.0
"""Longer than any script of ours takes; a connection silent for so long is dead."""


@contextmanager
def translated() -> Generator[None]:
    """Turn redis-py's errors into ours.

    Raises:
        LogFull: Redis has no room; nothing was written.
        LogUnavailable: Redis is away, loading or refused; a write may have happened.
    """
    try:
        yield
    except OutOfMemoryError as err:
        raise LogFull(f"Redis is full: {err}") from err
    except (redis.RedisError, OSError, TimeoutError) as err:
        raise LogUnavailable(f"Redis: {type(err).__name__}: {err}") from err


class Standalone(redis.Redis):
    """A client for threads of the one primary there is; the same answers as a cluster gives."""

    @contextmanager
    def at(self, key: str) -> Generator[Self]:
        """The client that has `key`, with its errors translated."""
        with translated():
            yield self

    def check(self, key: str) -> None:
        """Nothing: the next call finds out, and keeps nobody else waiting."""

    def anywhere(self) -> Self:
        """A client to publish and subscribe with."""
        return self

    def address_of(self, key: str) -> str:
        """A name of the primary that has `key`: the same for all, it is one."""
        return ""

    def primaries(self) -> dict[str, redis.Redis]:
        """Every primary by name."""
        return {"": self}


class AsyncStandalone(redis.asyncio.Redis):
    """The same for asyncio."""

    @cached_property
    def together(self) -> Together:
        """The way for commands that many ask for at once."""
        return Together(self)

    @asynccontextmanager
    async def at(self, key: str) -> AsyncGenerator[Self]:
        """The client that has `key`, with its errors translated."""
        with translated():
            yield self

    async def anywhere(self) -> Self:
        """A client to publish and subscribe with."""
        return self

    def address_of(self, key: str) -> str:
        """A name of the primary that has `key`: the same for all, it is one."""
        return ""

    async def primaries(self) -> dict[str, redis.asyncio.Redis]:
        """Every primary by name."""
        return {"": self}


def connect(
    url: str,
    *,
    answer_seconds: float | None = ANSWER_SECONDS,
    connect_seconds: float = CONNECT_SECONDS,
) -> Standalone:
    """Make a client of one server for threads; connects at the first call.

    Raises:
        ConfigurationError: the URL is none Redis has.
    """
    try:
        found = Standalone.from_url(  # pyright: ignore[reportUnknownMemberType]  # untyped kwargs
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=connect_seconds,
            socket_timeout=answer_seconds,
            socket_keepalive=True,
        )
        return cast(Standalone, found)
    except ValueError as err:
        raise ConfigurationError(f"MILEPOST_REDIS_URL: {err}") from err


def connect_async(
    url: str,
    *,
    answer_seconds: float | None = ANSWER_SECONDS,
    connect_seconds: float = CONNECT_SECONDS,
) -> AsyncStandalone:
    """Make a client of one server for asyncio; connects at the first call.

    Raises:
        ConfigurationError: the URL is none Redis has.
    """
    try:
        found = AsyncStandalone.from_url(  # pyright: ignore[reportUnknownMemberType]  # untyped kwargs
            url,
            protocol=2,
            retry=AsyncRetry(NoBackoff(), 0),
            socket_connect_timeout=connect_seconds,
            socket_timeout=answer_seconds,
            socket_keepalive=True,
        )
        return cast(AsyncStandalone, found)
    except ValueError as err:
        raise ConfigurationError(f"MILEPOST_REDIS_URL: {err}") from err
