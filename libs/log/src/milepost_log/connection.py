"""Owns connections to Redis and what its errors mean to us. Knows no key and no script.

The seam for clusters: everybody asks for the client of a partition and gets, today, the one there
is. redis-py's own retries are off: our scripts are safe to repeat and their callers repeat them
knowingly.
"""

from collections.abc import Generator
from contextlib import contextmanager

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError
from redis.retry import Retry

from milepost.errors import ConfigurationError, LogFull, LogUnavailable

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 10.0
"""Longer than any script of ours takes; a connection silent for so long is dead."""


def connect(url: str, *, answer_seconds: float | None = ANSWER_SECONDS) -> redis.Redis:
    """Make a client for threads; connects at the first call.

    Raises:
        ConfigurationError: the URL is none Redis has.
    """
    try:
        return redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]  # untyped kwargs
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=answer_seconds,
            socket_keepalive=True,
        )
    except ValueError as err:
        raise ConfigurationError(f"MILEPOST_REDIS_URL: {err}") from err


def connect_async(
    url: str, *, answer_seconds: float | None = ANSWER_SECONDS
) -> redis.asyncio.Redis:
    """Make a client for asyncio; connects at the first call.

    Raises:
        ConfigurationError: the URL is none Redis has.
    """
    try:
        return redis.asyncio.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]  # untyped kwargs
            url,
            protocol=2,
            retry=AsyncRetry(NoBackoff(), 0),
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=answer_seconds,
            socket_keepalive=True,
        )
    except ValueError as err:
        raise ConfigurationError(f"MILEPOST_REDIS_URL: {err}") from err


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
