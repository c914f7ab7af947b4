"""Owns what notify needs to be ready: Redis, the database, its schema, a projector for each
partition."""

from collections.abc import Sequence

import redis.asyncio

from milepost_log.server_checks import Watch
from milepost_notify.hub import Hub
from milepost_notify.supervisor import Supervised
from milepost_notify.tables import SCHEMA
from milepost_service import checks
from milepost_service.database import Database
from milepost_service.schema_check import schema_check


class Readiness:
    """Runs the checks side by side."""

    def __init__(
        self,
        client: redis.asyncio.Redis,
        database: Database,
        hub: Hub,
        partitions: Sequence[int],
        watch: Watch,
    ) -> None:
        self.supervised: list[Supervised] | None = None
        """The projectors of this process; null where others project."""
        self._client, self._database, self._hub = client, database, hub
        self._partitions, self._watch = partitions, watch

    async def run(self) -> dict[str, str]:
        """Name of a check -> "ok" or why not."""
        return await checks.run(
            {
                "redis": self._redis,
                "database": self._database.check,
                "schema": schema_check(self._database, SCHEMA),
                "projector": self._projector,
            }
        )

    async def _redis(self) -> None:
        await self._client.ping()  # pyright: ignore  # untyped
        if self._watch.fault:
            raise checks.NotReady(self._watch.fault)

    async def _projector(self) -> None:
        for each in self.supervised or ():
            if each.state != "ok":
                raise checks.NotReady(f"partition {each.partition}: {each.state}")
        for partition in self._partitions:
            if not self._hub.trusts(partition):
                raise checks.NotReady(f"partition {partition}: no projector heard of for 3 s")
