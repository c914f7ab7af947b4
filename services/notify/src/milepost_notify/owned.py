"""Owns what may be read by whom: every query, bound to one caller and one owner.

No endpoint holds the read models: it gets an `Owned` for its caller and can ask for nothing of
anybody else's, nor for a task that his credentials are not good for, whatever it forgets.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic_core import from_json

from milepost.callers import Caller
from milepost.cursors import Cursor, StreamId
from milepost.errors import MilepostError
from milepost.exports import Export
from milepost.ids import canonical_task_id
from milepost.owners import partition_of
from milepost.task_state import ENDED
from milepost_notify import explain, export_rows, exporting, present
from milepost_notify.archive import HistoryRow
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.delivery import Delivery, Feed, NotProjected
from milepost_notify.following import Following
from milepost_notify.places import Places
from milepost_notify.rows import TaskRow
from milepost_notify.standing import UNKNOWN, Standing, Standings, observed
from milepost_notify.store import Filters, ReadStore, Snapshot, Told, Which
from milepost_service.auth import ADMIN, acting_owner, may_see, overseen_owner
from milepost_service.revocations import Revocations

AT_LEAST_SECONDS = 2.0
"""How long to wait for a revision: a projector is milliseconds behind, unless it is away."""

Json = dict[str, Any]


class UnknownTask(MilepostError):
    """There is no such task, or it is another's: nobody can tell which."""


class NotVisible(MilepostError):
    """It was accepted, and is not in the read models yet."""


class Gone(MilepostError):
    """What a link stood for is not there any more."""


class TaskPage(NamedTuple):
    """Tasks, newest first."""

    tasks: list[Json]
    before: Cursor | None
    """Ask with it for older ones; null on the last page."""
    gap: bool
    """The cursor asked with means nothing any more: this is the first page."""


class EventPage(NamedTuple):
    """Events of a task, oldest first."""

    events: list[Json]
    after: str
    """Ask with it for later ones."""
    gap: bool


@dataclass(frozen=True, slots=True)
class Sources:
    """What is read from, with everybody's things in it."""

    reads: ReadStore
    delivery: Delivery
    places: Places
    standings: Standings
    revocations: Revocations
    partitions: int
    now_ms: Callable[[], int]
    created_at: Callable[[str, str], Awaitable[StreamId | None]]
    """Where the log has the creation of (owner, task id); null when it does not know the task."""


class Queries:
    """What can be read, once it is known by whom and of whom."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def of(self, who: Caller, owner: str | None) -> "Owned":
        """Bind them to the caller and to the owner whom he acts for: himself, or `owner`.

        Raises:
            HttpProblem: 403 for another's without scope `service`, 422 for what is no owner.
        """
        return Owned(acting_owner(who, owner), who, self._sources)

    def overseen(self, operator: Caller, owner: str) -> "Owned":
        """Bind them to an operator and whomever he looks at.

        Raises:
            HttpProblem: 403 without scope `admin`, 422 for what is no owner.
        """
        return Owned(overseen_owner(operator, owner), operator, self._sources)


@dataclass(frozen=True, slots=True)
class Owned:
    """The tasks of one owner, as one caller may see them."""

    owner: str
    _who: Caller = field(repr=False)
    _all: Sources = field(repr=False)

    def follow(self, tag: str | None = None, limit: int = 100) -> Following:
        """The owner's notifications."""
        filters = Filters(tag=tag, tasks=self._who.tasks)
        feed, come_with = Feed(self.owner, filters, limit), self._who.credential
        sources = self._all
        return Following(sources.delivery, sources.places, sources.revocations, feed, come_with)

    async def tasks(
        self, which: Which, *, type: str | None, tag: str | None, limit: int, before: Cursor | None
    ) -> TaskPage:
        """A page of tasks; `active` and `ended` leave dismissed ones out."""
        filters = Filters(tag=tag, type=type, tasks=self._who.tasks)

        def look(snapshot: Snapshot) -> tuple[Checkpoint, bool, list[Told]]:
            at = self._checkpoint(snapshot)
            gap = before is not None and not at.continues(before)
            below = before.id.sortable if before is not None and not gap else None
            found = snapshot.tasks(self.owner, filters, which, before=below, limit=limit + 1)
            return at, gap, found

        at, gap, found = await self._all.reads.read(look)
        shown, now_ms, last = found[:limit], self._all.now_ms(), None
        if len(found) > limit:
            last = at.cursor(StreamId.from_sortable(shown[-1].row["created_position"]), 0)
        standings = self._all.standings
        records = [_record(told, at, now_ms, observed(standings, told.row)) for told in shown]
        return TaskPage(records, last, gap)

    async def task(self, task_id: str, at_least: Cursor | None) -> Json:
        """One task with everything; with `at_least` once that revision is visible.

        Raises:
            UnknownTask, NotVisible.
        """
        at, told = await self._find(task_id, at_least)
        return _record(told, at, self._all.now_ms(), await self._standing(told.row))

    async def events(self, task_id: str, *, after: Cursor | None, limit: int) -> EventPage:
        """What happened to a task. Exception text is for services and operators only.

        Raises:
            UnknownTask, NotVisible.
        """
        _, told = await self._find(task_id, None)
        visible, start = told.row["id"], told.row["created_position"]

        def look(snapshot: Snapshot) -> tuple[Checkpoint, Cursor | None, list[HistoryRow]]:
            at = self._checkpoint(snapshot)
            known = after if after is not None and at.continues(after) else None
            behind = None if known is None else known.id.sortable
            found = snapshot.events(self.owner, visible, start=start, after=behind, limit=limit)
            return at, known, found

        at, known, found = await self._all.reads.read(look)
        with_detail = bool(self._who.scopes & {"service", "admin"})
        for_operators = self._who.may(ADMIN)
        shown = [
            present.event_record(row, at, with_detail=with_detail, for_operators=for_operators)
            for row in found
        ]
        first = known or at.cursor(StreamId.from_sortable(start), 0)
        last = shown[-1]["id"] if shown else str(first)
        return EventPage(shown, last, known is not after)

    async def explain(self, task_id: str) -> Json:
        """Why a task is not running or not done, in words and fields.

        Raises:
            UnknownTask, NotVisible.
        """
        _, told = await self._find(task_id, None)
        return explain.explain(told.row, self._all.now_ms(), await self._standing(told.row))

    async def export(self, export: Export) -> tuple[int, AsyncIterator[bytes]]:
        """How many tasks are in an export, and its bytes, some tasks at a time.

        Raises:
            Gone: its log is not there any more.
        """
        filters, before = Filters(tasks=self._who.tasks), exporting.behind(export.until.id)

        def look(snapshot: Snapshot) -> tuple[Checkpoint, int]:
            count = snapshot.task_count(self.owner, filters, before=before)
            return self._checkpoint(snapshot), count

        at, count = await self._all.reads.read(look)
        if at.revision(export.until.id) != export.until:
            raise Gone("it is of another log")
        return count, self._exported(export, filters, before)

    async def _exported(
        self, export: Export, filters: Filters, before: str | None
    ) -> AsyncIterator[bytes]:
        form, first = export.format, True
        yield export_rows.head(form)
        while before is not None:
            start = before
            records, before = await self._all.reads.read(
                lambda snapshot, start=start: exporting.part(
                    snapshot, self.owner, filters, export.until.id, start
                )
            )
            if records:
                yield export_rows.rows(form, records, first=first)
                first = False
        yield export_rows.tail(form)

    async def _find(self, text: str, at_least: Cursor | None) -> tuple[Checkpoint, Told]:
        """Every task is looked up like this: what is another's takes the way of what is nobody's,
        since every look is by owner and id."""
        task_id, visible = canonical_task_id(text), self._all.delivery.visible
        if task_id is None or not may_see(self._who, task_id):
            raise UnknownTask("no such task")
        if at_least and not await visible(self.owner, at_least, AT_LEAST_SECONDS):
            raise NotVisible("This revision is not visible yet.")
        at, told = await self._look_up(task_id)
        if told is None:
            # Accepted a moment ago, perhaps: then the log knows it, and it is about to be
            # projected.
            created = await self._all.created_at(self.owner, task_id)
            if created is None:
                raise UnknownTask("no such task")
            if not await visible(self.owner, at.cursor(created, 0), AT_LEAST_SECONDS):
                raise NotVisible("This task is not visible yet.")
            at, told = await self._look_up(task_id)
        if told is None:
            raise UnknownTask("no such task")
        return at, told

    async def _look_up(self, task_id: str) -> tuple[Checkpoint, Told | None]:
        def look(snapshot: Snapshot) -> tuple[Checkpoint, Told | None]:
            return self._checkpoint(snapshot), snapshot.task(self.owner, task_id)

        return await self._all.reads.read(look)

    def _checkpoint(self, snapshot: Snapshot) -> Checkpoint:
        at = snapshot.checkpoint(partition_of(self.owner, self._all.partitions))
        if at is None:
            raise NotProjected("nothing has been projected yet")
        return at

    async def _standing(self, row: TaskRow) -> Standing:
        """Where a task stands; nobody has to be asked once it has ended."""
        return UNKNOWN if row["status"] in ENDED else await self._all.standings.of(row)


def _record(told: Told, at: Checkpoint, now_ms: int, standing: Standing) -> Json:
    row = told.row
    params = {} if told.created is None else present.params_of(told.created)
    result = None if row["result"] is None else from_json(row["result"])
    if row["result_omitted"] and told.ended is not None:
        result = present.result_of(told.ended)
    return present.task_record(row, params, result, at, now_ms, standing)
