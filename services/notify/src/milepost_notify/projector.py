"""Owns the loop that projects one partition: read, fold, save, announce. Decides no row.

While a batch is being saved the next one is read and folded on top of it. Whatever goes wrong,
everything in memory is forgotten and the checkpoint is read again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import uniform

from milepost.cursors import StreamId
from milepost.errors import LogUnavailable, MilepostError, UndecodableEvent
from milepost_log.reader import Entry, LogReader
from milepost_notify import cache
from milepost_notify.archive import Logged, Unread, take_in
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.folding import Changes, Known, fold
from milepost_notify.store import CheckpointMoved, ProjectionStore, StoreUnavailable
from milepost_notify.wakeups import WakeUp

READER = "notify"
"""Name under which the log knows our checkpoint: one for all projectors, they share it."""
BLOCK_MS = 1000
TRIM_SECONDS, TRIM_IDLE_SECONDS = 5.0, 60.0
MOST_BACKOFF_SECONDS = 1.0
STOPPED_SECONDS = 5.0
BATCH_BYTES = 4 * 1024 * 1024
FEWEST, MOST = 16, 2000

_log = logging.getLogger(__name__)

Announce = Callable[[WakeUp], Awaitable[object]]


class LogLost(MilepostError):
    """The log is not the one, or not all of the one, that the read models were made from."""


class NotBegun(MilepostError):
    """The log has no name yet: no submit has started."""


@dataclass(slots=True)
class Batch:
    """Entries folded on top of the batch before."""

    position: StreamId
    changes: Changes
    dead: list[tuple[Entry, str]]


class PartitionProjector:
    """Projects one partition for as long as it runs."""

    def __init__(
        self,
        partition: int,
        store: ProjectionStore,
        reader: LogReader,
        writer: LogReader,
        announce: Announce,
        *,
        keep_ms: int,
    ) -> None:
        """`reader` blocks on its own connection; `writer` (trimming, dead letters) has another."""
        self.partition = partition
        self.state = "starting"
        """"ok", or why not: for readiness."""
        self._store, self._reader, self._writer = store, reader, writer
        self._announce = announce
        self._keep_ms = keep_ms
        self._count = FEWEST
        self._trimmed_at = 0.0
        self._trimmed: StreamId | None = None
        self._failures = 0

    async def run(self) -> None:
        """Project until cancelled; comes back by itself from every outage."""
        while True:
            try:
                await self._project()
            except CheckpointMoved:
                # Another one projects this partition too: let it, and look again.
                await asyncio.sleep(uniform(0.2, MOST_BACKOFF_SECONDS))
            except (LogUnavailable, StoreUnavailable, NotBegun) as err:
                await self._back_off(err)
            except LogLost as err:
                if self.state != str(err):
                    _log.error("projector stopped", extra=self._fields(reason=str(err)))  # noqa: TRY400  # one line
                    self.state = str(err)
                await asyncio.sleep(STOPPED_SECONDS)
            except Exception:
                self.state = "failed unexpectedly"
                _log.exception("projector failed", extra=self._fields())
                await asyncio.sleep(MOST_BACKOFF_SECONDS)

    async def _back_off(self, err: MilepostError) -> None:
        if not self._failures and not isinstance(err, NotBegun):
            _log.warning("projector waits", extra=self._fields(reason=str(err)))
        self.state = "waits for the log to be made" if isinstance(err, NotBegun) else "no connection"
        self._failures += 1
        await asyncio.sleep(min(0.05 * 2**self._failures, MOST_BACKOFF_SECONDS))
