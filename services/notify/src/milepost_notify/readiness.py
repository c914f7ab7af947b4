"""Owns what notify needs to be ready: Redis, the database, its schema, a projector for each
partition."""

from collections.abc import Sequence
from importlib.resources import files

import redis.asyncio
from sqlalchemy import text

from milepost_log.server_checks import Watch
from milepost_notify.hub import Hub
from milepost_notify.supervisor import Supervised
from milepost_service import checks
from milepost_service.database import Database


class Readiness:
    """Runs the checks side by side."""

    def __init__(
        self,
        client: redis.asyncio.Redis,
        database: Database,
        hub: Hub,
        partitions: Sequence[int],
        version_table: str,
        watch: Watch,
    ) -> None:
        self.supervised: list[Supervised] | None = None
        """The projectors of this process; null where others project."""
        self._client, self._database, self._hub = client, database, hub
        self._partitions, self._watch = partitions, watch
        self._version = text(f"SELECT version_num FROM {version_table}")
        self._newest = _newest_revision()

    async def run(self) -> dict[str, str]:
        """Name of a check -> "ok" or why not."""
        return await checks.run(
            {
                "redis": self._redis,
                "database": self._database.check,
                "schema": self._schema,
                "projector": self._projector,
            }
        )

    async def _redis(self) -> None:
        await self._client.ping()  # pyright: ignore  # untyped
        if self._watch.fault:
            raise checks.NotReady(self._watch.fault)

    async def _schema(self) -> None:
        async with self._database.read() as connection:
            found = await connection.scalar(self._version)
        if (found or "") < self._newest:
            raise checks.NotReady(f"the schema is at {found}, not {self._newest}: milepost migrate")

    async def _projector(self) -> None:
        for each in self.supervised or ():
            if each.state != "ok":
                raise checks.NotReady(f"partition {each.partition}: {each.state}")
        for partition in self._partitions:
            if not self._hub.trusts(partition):
                raise checks.NotReady(f"partition {partition}: no projector heard of for 3 s")


def _newest_revision() -> str:
    versions = files("milepost_notify") / "migrations" / "versions"
    return max(path.name[:4] for path in versions.iterdir() if path.name[:4].isdigit())
