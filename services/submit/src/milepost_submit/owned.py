"""Owns whose things a request is about: every command, bound to one caller and one owner.

No endpoint holds the log or the archive: it gets an `Owned` for its caller and can ask for nothing
of anybody else's, whatever it forgets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import Request

from milepost.callers import Caller
from milepost.cursors import Cursor
from milepost.events import Actor, TaskCreated
from milepost.task_state import Status
from milepost.traces import traceparent
from milepost_log.commands import Accepted, CommandLog, NewTask
from milepost_service.auth import acting_owner, overseen_owner
from milepost_submit.archive import Archive
from milepost_submit.decisions import Offered, Original, find_type
from milepost_submit.redis_log import Door
from milepost_submit.room import Room


class ForeignCursor(Exception):
    """A cursor of a partition that is not the owner's."""


class Commands:
    """What can be done to tasks, once it is known by whom and to whose."""

    def __init__(self, door: Door, room: Room, archive: Archive, max_live_tasks: int) -> None:
        self._door, self._room, self._archive = door, room, archive
        self._max_live_tasks = max_live_tasks

    def of(
        self,
        request: Request,
        who: Caller,
        owner: str | None,
        *,
        place: Sequence[str | int] = ("owner",),
    ) -> "Owned":
        """Bind them to the caller and to the owner whom he acts for: himself, or `owner`.

        Args:
            place: where the request names the owner.

        Raises:
            HttpProblem: 403 for another's without scope `service`, 422 for what is no owner.
        """
        acting = acting_owner(who, owner, place=place)
        return Owned(
            acting, who, request, self._door, self._room, self._archive, self._max_live_tasks
        )

    def overseen(self, request: Request, operator: Caller, owner: str) -> "Owned":
        """Bind them to an operator and whomever he acts on; events say that it was he.

        Raises:
            HttpProblem: 403 without scope `admin`, 422 for what is no owner.
        """
        acting = overseen_owner(operator, owner)
        parts = (self._door, self._room, self._archive, self._max_live_tasks)
        return Owned(acting, operator, request, *parts, _is_operator=True)


@dataclass(frozen=True, slots=True)
class Owned:
    """The tasks of one owner, as one caller may change them."""

    owner: str
    _who: Caller = field(repr=False)
    _request: Request = field(repr=False)
    _door: Door = field(repr=False)
    _room: Room = field(repr=False)
    _archive: Archive = field(repr=False)
    _max_live_tasks: int = field(repr=False)
    _is_operator: bool = False

    @property
    def parent(self) -> str | None:
        """The running task whose code asks; null for everybody else."""
        return self._who.task

    @property
    def is_code(self) -> bool:
        """Whether an application's own code asks, for which private types are; or an operator, who
        runs again what such code has asked for."""
        return self._is_operator or self._who.is_code

    def type_of(self, types: Mapping[str, Offered], name: str) -> Offered:
        """Look a type up as this caller may use it.

        Raises:
            Refusal: 404, there is none, or it is for applications' own code alone.
        """
        return find_type(types, name, by_code=self.is_code)

    async def create(self, tasks: Sequence[NewTask]) -> list[Accepted]:
        """Accept all tasks or none, in one atomic step.

        Raises:
            RequestConflict, TooManyTasks: see `CommandLog.create`.
            LogFull: there is no room for tasks.
            LogUnavailable: no answer.
        """
        await self._room.check(self.owner)
        trace = traceparent(self._request.headers.get("traceparent"))
        most = self._max_live_tasks

        async def create(log: CommandLog) -> list[Accepted]:
            return await log.create(self.owner, tasks, max_live=most, by=self._by, trace=trace)

        return await self._door.command(create)

    async def cancel(self, task_id: str) -> Status | None:
        """Stop a task, or ask it to; its status after that, null when it is unknown here."""
        return await self._door.command(lambda log: log.cancel(self.owner, task_id, by=self._by))

    async def dismiss(self, task_id: str, *, known_ended: bool = False) -> str | None:
        """Show an ended task no more; see `CommandLog.dismiss`."""
        return await self._door.command(
            lambda log: log.dismiss(self.owner, task_id, known_ended=known_ended, by=self._by)
        )

    async def read(self, until: Cursor) -> None:
        """Mark everything up to a cursor as read; earlier than the last mark changes nothing.

        Raises:
            ForeignCursor: it is of another partition than the owner's.
        """

        async def mark(log: CommandLog) -> None:
            if until.partition != log.partition(self.owner):
                raise ForeignCursor
            await log.read(self.owner, until.id, by=self._by)

        await self._door.command(mark)

    async def request_of(self, task_id: str) -> tuple[Status, TaskCreated | None] | None:
        """The status of a live task and what it was asked to do; see `CommandLog.request_of`."""
        return await self._door.command(lambda log: log.request_of(self.owner, task_id))

    async def archived(self, task_id: str) -> Original | None:
        """A task whose live state is gone, as notify shows it to this caller; null for none.

        Raises:
            HttpProblem: 503 without an answer, 403 when the credentials do not suffice to read.
        """
        named = None if self.owner == self._who.owner and not self._is_operator else self.owner
        return await self._archive.find(
            task_id, self._request, named, as_operator=self._is_operator
        )

    @property
    def _by(self) -> Actor | None:
        """Who causes events, where it is not the owner."""
        if self._is_operator:
            return Actor("operator", self._who.owner)
        if self._who.task is not None:
            return Actor("task", self._who.task)
        return Actor("service", self._who.owner) if "service" in self._who.scopes else None
