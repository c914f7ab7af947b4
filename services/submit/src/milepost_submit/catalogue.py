"""Owns submit's view of the announced task types: cached a second, schemas compiled once."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from milepost.errors import LogUnavailable
from milepost.task_types import TaskType
from milepost_log import catalogue as announced
from milepost_log.servers import AsyncServers
from milepost_submit.decisions import Offered
from milepost_submit.params import ParamsSchema, UnusableSchema

_log = logging.getLogger(__name__)
FRESH_SECONDS = 1.0
BRIEF_SECONDS = 0.25
"""So long a request waits for news of types that are known: what it is about comes after."""


class Catalogue:
    """The task types on offer; older than a second while Redis does not answer."""

    def __init__(
        self,
        servers: AsyncServers,
        namespace: str,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._servers = servers
        self._namespace = namespace
        self._clock = clock
        self._monotonic = monotonic
        self._types: dict[str, Offered] = {}
        self._unusable: dict[str, TaskType] = {}
        self._read_at = float("-inf")

    async def types(self, wanted: set[str] | None = None) -> Mapping[str, Offered]:
        """Every type by name, at most a second old; read again where a `wanted` one is missing.

        Raises:
            LogUnavailable: Redis does not answer, and not all that is `wanted` is known.
        """
        missing = not self._types or (wanted is not None and not wanted <= self._types.keys())
        if missing or self._monotonic() - self._read_at > FRESH_SECONDS:
            try:
                async with asyncio.timeout(None if missing else BRIEF_SECONDS):
                    await self._read()
            except (LogUnavailable, TimeoutError):
                # Its primary is away; those of most owners may not be. What was known still holds.
                self._read_at = self._monotonic()
                if missing:
                    raise
        return self._types

    async def _read(self) -> None:
        found = await announced.read(self._servers, self._namespace, now=self._clock())
        offered = {name: self._offered(task_type) for name, task_type in found.items()}
        self._types = {name: offer for name, offer in offered.items() if offer}
        self._read_at = self._monotonic()

    def _offered(self, task_type: TaskType) -> Offered | None:
        name = task_type.name
        known = self._types.get(name)
        if known and known.schema.source == task_type.params_schema:
            return Offered(task_type, known.schema)
        bad = self._unusable.get(name)
        if bad and bad.params_schema == task_type.params_schema:
            return None
        try:
            return Offered(task_type, ParamsSchema(task_type.params_schema))
        except UnusableSchema as err:
            self._unusable[name] = task_type
            fields = {"task_type": name, "reason": str(err)}
            _log.error("announced with an unusable schema: not offered", extra=fields)
            return None
