"""Owns what notify needs to be ready: Redis, the database, its schema, a projector for each
partition."""

from collections.abc import Sequence

from milepost_log.server_checks import Watch, answering
from milepost_log.servers import AsyncServers
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
        servers: AsyncServers,
        database: Database,
        hub: Hub | None,
        logs: Sequence[str],
        watch: Watch,
    ) -> None:
        """Ask nobody yet; `logs` are the keys of the partitions' logs, `hub` hears of projectors
        that may be elsewhere; null in a process that is one itself."""
        self.supervised: list[Supervised] | None = None
        """The projectors of this process; null where others project."""
        self._servers, self._database, self._hub = servers, database, hub
        self._logs, self._watch = logs, watch

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
        await answering(self._servers)
        if self._watch.fault:
            raise checks.NotReady(self._watch.fault)

    async def _projector(self) -> None:
        """A primary that is away is the cluster's matter: other partitions are to be served."""
        well = await answering(self._servers)
        served = {
            partition
            for partition, log in enumerate(self._logs)
            if self._servers.address_of(log) in well
        }
        for each in self.supervised or ():
            if each.partition in served and each.state != "ok":
                raise checks.NotReady(f"partition {each.partition}: {each.state}")
        for partition in served:
            if self._hub is not None and not self._hub.trusts(partition):
                raise checks.NotReady(f"partition {partition}: no projector heard of for 3 s")
