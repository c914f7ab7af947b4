"""A projector that dies at its n-th moment; arguments: Redis URL, namespace, database URL.

It forks a projector after the other and kills each with SIGKILL one moment later than the last:
before and after each statement of its writing transactions, before COMMIT, and after COMMIT with
the answer never looked at. It ends when one has come to the log's end alive, and prints at how many
moments others died. Not for the product.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from milepost.cursors import StreamId
from milepost.keys import PartitionKeys
from milepost.settings import Settings
from milepost_log.connection import connect_async
from milepost_notify.sql import SqlProjectionStore
from notify_surroundings import projecting


def watch(engine: Engine, moment: Callable[[], None]) -> None:
    """Call `moment` around everything that is sent."""

    def around(*_: Any) -> None:
        moment()

    event.listen(engine, "before_cursor_execute", around)
    event.listen(engine, "after_cursor_execute", around)
    commit = engine.dialect.do_commit

    def do_commit(dbapi_connection: Any) -> None:
        moment()
        commit(dbapi_connection)
        moment()

    engine.dialect.do_commit = do_commit


async def project(settings: Settings, moment: Callable[[], None]) -> None:
    """Project up to the log's end."""
    store = SqlProjectionStore(settings.database_url)
    watch(store._writer, moment)  # pyright: ignore[reportPrivateUsage]  # what is done to it is the test
    client = connect_async(settings.redis_url)
    keys = PartitionKeys(settings.namespace, 0)
    last: Any = await client.xrevrange(keys.log, count=1)  # pyright: ignore  # untyped
    await client.aclose()
    async with projecting(settings, store):
        while True:
            at = await store.checkpoint(0)
            if at is not None and at.position >= StreamId.parse(last[0][0]):
                break
            await asyncio.sleep(0.005)
    await store.close()


def die_at(count: int) -> Callable[[], None]:
    """Kills this process when called for the `count`-th time."""

    def moment() -> None:
        nonlocal count
        count -= 1
        if count == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return moment


def main(redis_url: str, namespace: str, database_url: str) -> None:
    """Fork until one lives."""
    settings = Settings.load(
        redis_url=redis_url, namespace=namespace, partitions=1, database_url=database_url,
        durability="memory",
    )  # fmt: skip
    died = 0
    while True:
        child = os.fork()
        if child == 0:
            asyncio.run(project(settings, die_at(died + 1)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == 0:
            print(died)
            return
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        died += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
