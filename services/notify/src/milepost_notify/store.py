"""Owns the ports to the read models: what a projector and the API need of any store. No I/O."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeVar

from milepost.cursors import StreamId
from milepost.errors import MilepostError
from milepost_notify.archive import HistoryRow
from milepost_notify.changes import Changes, Known
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.replaying import Replayed
from milepost_notify.retention import Ends
from milepost_notify.rows import InboxRow, NotificationRow, TaskKey, TaskRow

Answer = TypeVar("Answer")
Which = Literal["active", "ended", "dismissed", "all"]


class CheckpointMoved(MilepostError):
    """Another projector has gone on: what was read before it is no longer true."""


class StoreUnavailable(MilepostError):
    """The database did not answer; the outcome of a write may be unknown."""


class ProjectionStore(Protocol):
    """The projector's side. Rows that were read stay true until the checkpoint moves, and only its
    own `apply` moves it: `CheckpointMoved` says that they did not. Raises StoreUnavailable."""

    async def checkpoint(self, partition: int) -> Checkpoint | None:
        """How far a partition is; null when nobody has begun it."""
        ...

    async def begin(self, partition: int, log_id: str) -> Checkpoint:
        """Begin a partition before the first entry of the log, unless it has been begun."""
        ...

    async def parked(self, partition: int) -> set[TaskKey]:
        """Tasks of which events wait for a replay."""
        ...

    async def known(
        self,
        at: Checkpoint,
        tasks: Collection[TaskKey],
        inboxes: Collection[str],
        unread_of: Collection[str],
    ) -> Known:
        """The rows of these tasks and owners in the generation of `at`, and every unread ended task
        of the last."""
        ...

    async def ends(self, at: Checkpoint, until: StreamId) -> Ends | None:
        """Ends of tasks up to a position, behind what retention has looked at, the oldest
        ENDS_AT_ONCE; null when nothing may leave the history now."""
        ...

    async def apply(self, before: Checkpoint, position: StreamId, changes: Changes) -> Checkpoint:
        """Save all changes and the checkpoint in one step, or nothing; the new checkpoint.

        Raises:
            CheckpointMoved: the stored checkpoint is not `before`.
        """
        ...

    async def newest(self, partition: int, until: str, limit: int) -> list[HistoryRow]:
        """History up to a position, newest first."""
        ...

    async def take_back(self, before: Checkpoint, position: StreamId) -> Checkpoint:
        """Forget what is behind a position, and make the rows of its owners again from the history
        that is left, in one step, or nothing; the new checkpoint there, of the next era.

        Raises:
            CheckpointMoved: the stored checkpoint is not `before`.
        """
        ...


class ReplayStore(Protocol):
    """The side of whoever has parked events folded again. Raises StoreUnavailable."""

    async def replay(self, partition: int) -> Replayed:
        """Fold the parked events of a partition again and save what comes of it, in one step.

        Nothing changes where nothing can be projected but the reasons. Otherwise the era is raised:
        a projector at work finds that and begins anew, readers get a gap and then the truth.
        """
        ...


class Place(NamedTuple):
    """A place between notification rows: behind those of lesser position and ordinal."""

    position: str
    ordinal: int


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader wants to see, and may."""

    tag: str | None = None
    """Only tasks with this tag."""
    type: str | None = None
    """Only tasks of this type."""
    tasks: frozenset[str] | None = None
    """Only these tasks: what the credentials are good for; null: all."""

    @property
    def tasks_only(self) -> bool:
        """Whether rows about no single task are left out."""
        return self.tag is not None or self.tasks is not None


class Notified(NamedTuple):
    """A notification row with the task it is about, if it is about one."""

    row: NotificationRow
    task: TaskRow | None


class Told(NamedTuple):
    """A task with the events that tell what its row does not hold."""

    row: TaskRow
    created: HistoryRow | None
    """Has the params; null once it is gone from the history."""
    ended: HistoryRow | None
    """Has the result; null while it lives."""


class Snapshot(Protocol):
    """The read models at one moment. Owners and ids compare byte for byte. Blocks; raises
    StoreUnavailable."""

    def checkpoint(self, partition: int) -> Checkpoint | None:
        """How far the partition was at that moment."""
        ...

    def notifications(
        self,
        owner: str,
        filters: Filters,
        *,
        after: Place | None,
        skip_dismissed_until: str | None,
        limit: int,
    ) -> list[Notified]:
        """Rows of `owner` behind `after`, in order of their places.

        Args:
            skip_dismissed_until: leave out tasks that are dismissed and have not changed behind
                this position; null: leave out none.
        """
        ...

    def tasks(
        self, owner: str, filters: Filters, which: Which, *, before: str | None, limit: int
    ) -> list[Told]:
        """Tasks of `owner` created before that position, newest first; `active` and `ended` leave
        dismissed ones out."""
        ...

    def task(self, owner: str, task_id: str) -> Told | None:
        """One task; null when the owner has none of this id."""
        ...

    def events(
        self, owner: str, task_id: str, *, start: str, after: str | None, limit: int
    ) -> list[HistoryRow]:
        """The task's history from `start` on and behind `after`, oldest first."""
        ...

    def task_count(self, owner: str, filters: Filters, *, before: str) -> int:
        """How many tasks of `owner` were created before a position."""
        ...

    def inbox(self, owner: str) -> InboxRow | None:
        """What the owner has not seen yet; null when there never was anything."""
        ...


class ReadStore(Protocol):
    """The API's side."""

    async def read(self, work: Callable[[Snapshot], Answer]) -> Answer:
        """Read several things as of one moment; `work` runs in a thread, and must not write.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        ...
