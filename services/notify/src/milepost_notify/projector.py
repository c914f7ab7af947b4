"""Owns the loop that projects one partition: read, fold, save, announce. Decides no row.

While a batch is being saved the next one is read and folded on top of it. Whatever goes wrong,
everything in memory is forgotten and the checkpoint is read again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from milepost.errors import MilepostError
from milepost_log.reader import LogReader, Reading
from milepost_notify import cache, retention
from milepost_notify.changes import Changes, Known
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.folding import fold
from milepost_notify.intake import FEWEST, Batch, batch_of, next_count
from milepost_notify.lost_log import REMEDY, Problem, problem_of, words
from milepost_notify.measures import Measures, Traced, measure
from milepost_notify.recovery import recover
from milepost_notify.store import CheckpointMoved, ProjectionStore
from milepost_notify.wakeups import WakeUp

READER = "notify"
"""Name under which the log knows our checkpoint: one for all projectors, they share it."""
BLOCK_MS = 1000
"""So often, at least, hubs hear of a partition."""
LOOK_SECONDS = 2.0
"""With nothing to do, so often whether the checkpoint is still ours."""
TRIM_SECONDS, TRIM_IDLE_SECONDS = 5.0, 60.0


class Figures(Protocol):
    """Who counts what is projected."""

    def saved(self, measures: Measures, *, seconds: float, since_read: float) -> None:
        """Count a batch that everybody can read now; see `ProjectionFigures`."""
        ...


class Traces(Protocol):
    """Who tells of traces."""

    def saved(self, partition: int, traced: Sequence[Traced], read_ms: int, saved_ms: int) -> None:
        """Tell of a batch that everybody can read now; see `ProjectionTraces`."""
        ...


Announce = Callable[[WakeUp], Awaitable[object]]
Monotonic = Callable[[], float]


class LogLost(MilepostError):
    """The log is not the one, or not all of the one, that the read models were made from."""


class TailLost(MilepostError):
    """The log had lost its tail, and the read models have been taken back: go on from there."""


class LogNotMade(MilepostError):
    """The log has no name yet: no submit has ever started."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What a partition's projector works with."""

    store: ProjectionStore
    reader: LogReader
    """Blocks: has a connection of its own."""
    writer: LogReader
    """For trimming and dead letters."""
    announce: Announce
    monotonic: Monotonic
    dead_letter: Callable[[str, str], None]
    """Told the position and the reason of what nobody can read."""
    keep_ms: int
    """Events stay so long in the log behind all readers."""
    history_ms: int
    """Ended tasks stay so long in the read models and the history, by the log's time."""
    figures: Figures | None = None
    """Told of every batch that was saved."""
    traces: Traces | None = None
    """Told of every batch that was saved and has events of traces."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A batch on its way into the read models."""

    batch: Batch
    changes: Changes
    measures: Measures
    at: float
    """When it was read, monotonic seconds."""


class Projection:
    """One run over a partition: from its checkpoint on, until something goes wrong."""

    def __init__(self, partition: int, ports: Ports) -> None:
        self._partition = partition
        self._ports = ports
        self._looked = ports.monotonic()
        self._trimmed: tuple[float, Checkpoint] | None = None
        self._saving: asyncio.Task[Checkpoint] | None = None

    async def run(self, on_well: Callable[[], None], ours: Callable[[], bool]) -> None:
        """Project until it is not ours any more, which is noticed within a second, or something is
        raised. (To be cancelled at any moment would cost connections.)

        Args:
            on_well: called whenever a batch has been saved, or there was none to save.
            ours: whether to go on.

        Raises:
            CheckpointMoved: another projector has gone on.
            LogLost: what is in the log does not continue what is in the read models.
            LogNotMade: there is no log yet.
            TailLost: read models were taken back, for the log had lost its tail.
            LogUnavailable, StoreUnavailable: no connection, or a write of unknown outcome.
        """
        ports = self._ports
        saved: Checkpoint = await self._adopt()
        known = Known(parked=await ports.store.parked(self._partition))
        saving = Changes()
        await ports.announce(WakeUp.of(saved, saved, None))
        # The first look does not wait: it says at once that all is well, or that it is not.
        position, count, block_ms = saved.position, FEWEST, 1
        try:
            while ours():
                reading = await ports.reader.look(position, count=count, block_ms=block_ms)
                block_ms = BLOCK_MS
                await self._check(saved, reading)
                read = None
                if reading.entries:
                    at = ports.monotonic()
                    count = next_count(count, reading.entries)
                    batch = batch_of(self._partition, reading.entries)
                    position = batch.position
                    await self._know(saved, known, batch)
                    measures = measure(known, batch.entries, reading.now_ms)
                    read = _Read(batch, fold(known, batch.entries), measures, at)
                if self._saving is not None:
                    saved = await self._saving
                    self._saving = None
                    known.gone.clear()
                    cache.evict(known, saving, None if read is None else read.changes)
                    on_well()
                if read is not None:
                    await self._expire(saved, known, read.batch, read.changes)
                    saving = read.changes
                    self._saving = asyncio.create_task(self._save(saved, read))
                else:
                    await self._look_for_another(saved)
                    await ports.announce(WakeUp.of(saved, saved, ()))
                    await self._trim(saved)
                    on_well()
            if self._saving is not None:
                await self._saving
        finally:
            if self._saving is not None:
                self._saving.cancel()
                await asyncio.gather(self._saving, return_exceptions=True)

    async def _adopt(self) -> Checkpoint:
        log_id = await self._ports.reader.log_id()
        stored = await self._ports.store.checkpoint(self._partition)
        if stored is None:
            if log_id is None:
                raise LogNotMade("no submit has ever started")
            stored = await self._ports.store.begin(self._partition, log_id)
        _same_log(stored, log_id)
        return stored

    async def _check(self, saved: Checkpoint, reading: Reading) -> None:
        if reading.log_id == saved.log_id and reading.continues:
            return
        if self._saving is not None:
            saved = await self._saving
        _same_log(saved, reading.log_id)
        # Trimmed behind another projector's checkpoint, or lost: the stored checkpoint knows.
        await self._still_at(saved)
        ports = self._ports
        taken = await recover(ports.store, ports.writer, self._partition, saved)
        if taken is None:
            raise _lost("trimmed", saved, reading.log_id)
        await ports.announce(WakeUp.of(taken, taken, None))
        raise TailLost(
            f"the log lost its tail: taken back from {saved.position} to {taken.position}, "
            f"era {taken.era}"
        )

    async def _look_for_another(self, saved: Checkpoint) -> None:
        """A replay, say, commits without us; with nothing to save we would never find out."""
        now = self._ports.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            await self._still_at(saved)

    async def _still_at(self, saved: Checkpoint) -> None:
        if await self._ports.store.checkpoint(self._partition) != saved:
            raise CheckpointMoved(f"partition {self._partition} is not at {saved.position}")

    async def _know(self, saved: Checkpoint, known: Known, batch: Batch) -> None:
        """Have the rows that a batch starts from."""
        if wanted := cache.missing(known, batch.entries):
            cache.add(known, await self._ports.store.known(saved, *wanted))

    async def _expire(
        self, saved: Checkpoint, known: Known, batch: Batch, changes: Changes
    ) -> None:
        """Have what is kept no longer leave with this batch. Nothing else waits to be saved."""
        store, keep_ms = self._ports.store, self._ports.history_ms
        until = retention.horizon(saved, batch.position, keep_ms)
        found = None if until is None else await store.ends(saved, until)
        if found is None:
            return
        keys, owners = found.keys - known.tasks.keys(), found.owners - known.inboxes.keys()
        cache.add(known, await store.known(saved, keys, owners, ()))
        if wanted := retention.parents(known, found):
            cache.add(known, await store.known(saved, wanted, (), ()))
        retention.expire(known, changes, found, batch.position, batch.position.ms)

    async def _save(self, before: Checkpoint, read: _Read) -> Checkpoint:
        batch, changes, began = read.batch, read.changes, self._ports.monotonic()
        for entry, reason in batch.dead:
            self._ports.dead_letter(entry.id.decode(), reason)
            await self._ports.writer.bury(entry, reason)
        after = await self._ports.store.apply(before, batch.position, changes)
        await self._ports.announce(WakeUp.of(before, after, changes.owners))
        self._tell(read, began)
        await self._trim(after)
        return after

    def _tell(self, read: _Read, began: float) -> None:
        """Have a batch counted and traced that everybody can read now."""
        ports, measures = self._ports, read.measures
        now = ports.monotonic()
        if ports.figures is not None:
            ports.figures.saved(measures, seconds=now - began, since_read=now - read.at)
        if ports.traces is not None and measures.traced:
            saved_ms = measures.read_ms + round((now - read.at) * 1000)
            ports.traces.saved(self._partition, measures.traced, measures.read_ms, saved_ms)

    async def _trim(self, saved: Checkpoint) -> None:
        now = self._ports.monotonic()
        if self._trimmed is not None:
            since, last = now - self._trimmed[0], self._trimmed[1]
            if since < (TRIM_IDLE_SECONDS if last == saved else TRIM_SECONDS):
                return
        await self._ports.writer.checkpoint(READER, saved.position, keep_ms=self._ports.keep_ms)
        self._trimmed = (now, saved)


def _same_log(stored: Checkpoint, log_id: str | None) -> None:
    problem = problem_of(stored, log_id, continues=True, first=None)
    if problem is not None:
        raise _lost(problem, stored, log_id)


def _lost(problem: Problem, at: Checkpoint, log_id: str | None) -> LogLost:
    return LogLost(f"{words(problem, at, log_id)}; nothing is projected until you {REMEDY}")
