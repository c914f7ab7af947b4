"""Owns keeping the projectors of all partitions going: back-off, one log line an outage, readiness.

The one place where an unexpected exception is caught: it is logged once and the partition begins
again at its checkpoint.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from random import uniform
from typing import Any

from milepost.errors import LogUnavailable, MilepostError
from milepost_notify.projector import LogLost, LogNotMade, Projection, TailLost
from milepost_notify.store import CheckpointMoved, StoreUnavailable
from milepost_notify.turns import Alone, Turns

MOST_BACKOFF_SECONDS = 1.0
NOT_MADE_SECONDS = 0.1
STOPPED_SECONDS = 5.0
"""A stopped partition looks so often whether its log has been put right."""

_log = logging.getLogger(__name__)


class Supervised:
    """One partition, projected for as long as it runs."""

    def __init__(
        self, partition: int, begin: Callable[[], Projection], turns: Turns | None = None
    ) -> None:
        """`begin` makes a run with nothing in memory; `turns`: when it is ours, null for always."""
        self.partition = partition
        self.state = "starting"
        """ "ok", or why not; a partition that is another replica's is well."""
        self.ours = False
        """Whether we project it, and no other replica."""
        self._begin, self._turns = begin, turns or Alone()
        self._failures = 0

    async def run(self) -> None:
        """Project whenever it is ours, until cancelled."""
        while True:
            await self._turns.begin(self.partition)
            self.ours = True
            await self._project()
            self.ours, self.state, self._failures = False, "ok", 0
            _log.info("projector yields", extra=self._fields())

    async def _project(self) -> None:
        """Project while it is ours; comes back by itself from every outage."""
        ours = partial(self._turns.mine, self.partition)
        while ours():
            try:
                await self._begin().run(self._well, ours)
            except CheckpointMoved:
                # Another projector works here too: let it, and look again.
                await asyncio.sleep(uniform(0.2, MOST_BACKOFF_SECONDS))
            except LogNotMade:
                self.state = "waits for submit to make the log"
                await asyncio.sleep(NOT_MADE_SECONDS)
            except (LogUnavailable, StoreUnavailable) as err:
                if not self._failures:
                    _log.warning("projector waits", extra=self._fields(reason=str(err)))
                self.state = "no connection to Redis or the database"
                await self._wait()
            except TailLost as err:
                _log.warning("log lost its tail", extra=self._fields(reason=str(err)))
            except LogLost as err:
                await self._stop(err)
            except Exception:
                self.state = "failed unexpectedly"
                _log.exception("projector failed", extra=self._fields())
                await self._wait()

    def _well(self) -> None:
        if self.state != "ok":
            _log.info("projector runs", extra=self._fields())
        self.state = "ok"
        self._failures = 0

    async def _wait(self) -> None:
        self._failures += 1
        await asyncio.sleep(min(0.05 * 2**self._failures, MOST_BACKOFF_SECONDS))

    async def _stop(self, err: MilepostError) -> None:
        if self.state != str(err):
            # A traceback says nothing here: the line is for whoever runs the databases.
            _log.error("projector stopped", extra=self._fields(reason=str(err)))
        self.state = str(err)
        await asyncio.sleep(STOPPED_SECONDS)

    def _fields(self, **more: str) -> dict[str, Any]:
        return {"action": "project", "partition": self.partition, **more}
