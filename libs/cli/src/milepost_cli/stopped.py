"""Owns finding the partitions whose log is not the one of the read models. Changes nothing."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from milepost.errors import ConfigurationError, LogUnavailable
from milepost.settings import Settings
from milepost_log.reader import LogReader
from milepost_log.servers import open_servers_async
from milepost_notify.adoption import Stopped, look
from milepost_notify.lost_log import REMEDY, words
from milepost_notify.sql import SqlProjectionStore
from milepost_notify.store import StoreUnavailable

NEW_DATABASE = (
    "the database is new, the log is not: accounts are gone, and tasks from before the log begins; "
    "restore it if you can, before people sign up again: names are free, and have what the log has "
    "of their tasks"
)

_log = logging.getLogger(__name__)


@asynccontextmanager
async def finding(
    settings: Settings,
) -> AsyncGenerator[tuple[SqlProjectionStore, list[tuple[LogReader, Stopped]]]]:
    """The store, and the partitions that have stopped, each with its log; open until the end.

    Raises:
        LogUnavailable, StoreUnavailable: no answer.
    """
    async with _opened(settings) as (store, logs):
        found = list[tuple[LogReader, Stopped]]()
        for partition, log in enumerate(logs):
            stopped = await look(store, log, partition)
            if stopped is not None:
                found.append((log, stopped))
        yield store, found


@asynccontextmanager
async def _opened(
    settings: Settings,
) -> AsyncGenerator[tuple[SqlProjectionStore, list[LogReader]]]:
    """The store, and the log of each partition."""
    async with AsyncExitStack() as stack:
        servers = open_servers_async(settings.redis_url)
        stack.push_async_callback(servers.aclose)
        store = SqlProjectionStore(settings.database_url)
        stack.push_async_callback(store.close)
        numbers = range(settings.partitions)
        yield store, [LogReader(servers, settings.namespace, each) for each in numbers]


def require_none(settings: Settings, data_folder: str | None) -> None:
    """Return if every log is the one of the read models, as far as anybody answers.

    Args:
        data_folder: where the log's server keeps it; null where it is somebody else's.

    Raises:
        ConfigurationError: one is not; one line with the remedy.
    """
    with suppress(LogUnavailable, StoreUnavailable):  # then readiness says what is wrong
        if stopped := asyncio.run(_first(settings)):
            remedy = f"Nothing would be projected until you {REMEDY}"
            if data_folder is not None:
                remedy = (
                    f"Restore {data_folder}/valkey, or go on without what is lost by "
                    f"`./milepost adopt --data-dir {data_folder}`"
                )
            raise ConfigurationError(f"{words_of(stopped)}. {remedy}")


async def _first(settings: Settings) -> Stopped | None:
    """The first partition that has stopped. Of a database that is new, while its log is not, it
    says so: that goes on by itself, and people miss what is gone."""
    async with _opened(settings) as (store, logs):
        for partition, log in enumerate(logs):
            if await store.checkpoint(partition) is None and await log.first() is not None:
                _log.warning(NEW_DATABASE, extra={"action": "start", "partition": partition})
                break
        for partition, log in enumerate(logs):
            if stopped := await look(store, log, partition):
                return stopped
    return None


def words_of(stopped: Stopped) -> str:
    """What is wrong with one partition, for operators."""
    return f"partition {stopped.at.partition}: {words(stopped.problem, stopped.at, stopped.log_id)}"
