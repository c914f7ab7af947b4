"""Owns the handle of a task that was submitted: look at it, wait for it, follow it, cancel it.

Every call has its twin for asyncio, an `a` in front of its name (`await_` for `wait`).
"""

import time
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import aclosing, closing
from typing import Any

from milepost import conversations
from milepost.acting import Acting, acting_for
from milepost.exchanges import Conversation, within
from milepost.http_exchange import arun, atold, run, told
from milepost.records import Task
from milepost.task_state import Status
from milepost.tokens import token


class TaskHandle:
    """A task of an owner's, by its id.

    `submit` gives one; made of an id that an application has kept, it is good for the same. Makes
    no connection before it is asked something, and holds none between two calls. All calls raise
    `NotFound` for a task that is none of the owner's, and `Unreachable` when a service stays away
    for a minute (`cancel`: for some seconds).
    """

    def __init__(
        self,
        id: str,
        *,
        owner: str | None = None,
        status: Status | None = None,
        revision: str | None = None,
        type: str | None = None,
        title: str | None = None,
    ) -> None:
        """Name a task.

        Args:
            owner: whose it is; in a running task the same as that one's.
            status: as last heard.
            revision: a state to wait for before it is looked at, as submit gives it.
            type: if known; so is `title`.

        Raises:
            TypeError: no owner is given and no task runs here.
            InvalidValue: it cannot be an owner.
            ConfigurationError: MILEPOST_SECRET is missing or weak.
        """
        self.id = id
        """UUIDv7."""
        self.status = status
        """As last heard: every other call brings it up to date. Null when never heard."""
        self.revision = revision
        """Names the state last heard of, for `at_least`."""
        self.type, self.title = type, title
        self._acting: Acting = acting_for(owner)

    def __repr__(self) -> str:
        return f"<TaskHandle {self.id} {self.type or ''} {self.status or ''}>"

    def fetch(self) -> Task:
        """The task as it is now, with everything."""
        return self._heard(run(self._reading(), self._acting.access))

    async def afetch(self) -> Task:
        """The same as `fetch`, for asyncio."""
        return self._heard(await arun(self._reading(), self._acting.access))

    def wait(self, timeout: float | None = None) -> Task:
        """Wait until the task has ended, however it did: see `status`, `result` and `error` of it.

        Args:
            timeout: seconds; null: as long as it takes. 0 looks once.

        Raises:
            NotEnded: it has not within `timeout`. A TimeoutError. The task goes on.
        """
        return self._heard(run(self._following(timeout), self._acting.access))

    async def await_(self, timeout: float | None = None) -> Task:
        """The same as `wait`, for asyncio."""
        return self._heard(await arun(self._following(timeout), self._acting.access))

    def follow(self, timeout: float | None = None) -> Generator[Task]:
        """The task as it is now, then after every change, in the end as it ended.

        What changes faster than it is asked for is told as one. Goes on by cursor when a connection
        was lost, so that the end is never missed.

        Raises:
            NotEnded: as for `wait`.
        """
        with closing(told(self._following(timeout), self._acting.access)) as tasks:
            for task in tasks:
                yield self._heard(task)

    async def afollow(self, timeout: float | None = None) -> AsyncGenerator[Task]:
        """The same as `follow`, for `async for`."""
        async with aclosing(atold(self._following(timeout), self._acting.access)) as tasks:
            async for task in tasks:
                yield self._heard(task)

    def cancel(self) -> Status:
        """Ask the task to stop; its status now. Repeatable; it may still succeed.

        Raises:
            Conflict: it has succeeded or failed.
        """
        return self._cancelled(run(self._cancelling(), self._acting.access))

    async def acancel(self) -> Status:
        """The same as `cancel`, for asyncio."""
        return self._cancelled(await arun(self._cancelling(), self._acting.access))

    def token(self, ttl_seconds: float = 900, scopes: Iterable[str] | None = None) -> str:
        """A token for the owner's browser that reads this task and nothing else; see
        `milepost.token`."""
        acting = self._acting
        owner = acting.owner if acting.parent is None else acting.parent.owner
        assert owner is not None, "who acts without a running task names an owner"
        return token(owner, scopes, tasks=[self.id], ttl_seconds=ttl_seconds)

    def _reading(self) -> Conversation[Task]:
        return conversations.read(self.id, self._acting.owner, self.revision)

    def _following(self, timeout: float | None) -> Conversation[Task]:
        following = conversations.followed(self.id, self._acting.owner, self.revision)
        return within(following, timeout, time.monotonic)

    def _cancelling(self) -> Conversation[dict[str, Any]]:
        return conversations.cancelled(self.id, self._acting.owner)

    def _heard(self, task: Task) -> Task:
        self.status, self.revision = task.status, task.revision
        self.type, self.title = task.type, task.title
        return task

    def _cancelled(self, body: dict[str, Any]) -> Status:
        status: Status = body["status"]
        self.status = status
        return status
