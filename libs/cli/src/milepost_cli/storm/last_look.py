"""Owns the last look at everything after a storm: whether it has settled, and what is there then.

Judges nothing: it asks until what followers have and what is shown to somebody new agree, or the
time is up, and records both.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

from milepost.task_state import ENDED
from milepost_cli.storm.follower import MOST, Follower
from milepost_cli.storm.history import canonical
from milepost_cli.storm.owner import Asking, Owner
from milepost_cli.storm.records import Accepted, Archived, Current, Past

AT_ONCE = 4
TRY_SECONDS = 0.25
INSIST_SECONDS = 30.0
"""For each history, however long those before it took, unless none at all was given for so long:
else a deployment that is down would be asked for hours before it is judged."""


class LastLook:
    """At all tasks of some owners, and at what their followers know."""

    def __init__(
        self, asking: Asking, owners: Sequence[Owner], followers: Sequence[Follower]
    ) -> None:
        self._asking, self._owners, self._followers = asking, owners, followers
        self._settled = dict[int, Current]()
        self._given_at = 0.0  # when a history was given last

    async def is_settled(self) -> bool:
        """Whether everything accepted has ended, and every follower has what is there."""
        wanted = {id for id in self._accepted() if id not in self._known_to_end()}
        for owner in self._owners:
            theirs = [each for each in self._followers if each.owner is owner]
            if owner.number not in self._settled:
                known = theirs[0].held().statuses
                if any(known.get(id) not in ENDED for id in wanted & known.keys()):
                    continue
                current = await self._current(owner)
                if current is None or not all(map(ENDED.__contains__, current.statuses.values())):
                    continue
                self._settled[owner.number] = current
            current = self._settled[owner.number]
            if not all(_agree(each, current) for each in theirs):
                del self._settled[owner.number]
        return len(self._settled) == len(self._owners)

    async def record(self, until: float) -> None:
        """Record what everybody knows, what is shown, and every task's history; what is not
        answered is asked for again until that time."""
        history = self._asking.history
        for owner in self._owners:
            current = await self._insist(owner, until)
            if current is not None:
                history.add(current)
        for each in self._followers:
            history.add(each.held())
        self._given_at = history.now()
        places = asyncio.Semaphore(AT_ONCE)
        by_number = {owner.number: owner for owner in self._owners}
        await asyncio.gather(*(
            self._archive(by_number[number], task, places, until)
            for task, number in self._accepted().items()
        ))  # fmt: skip

    def _accepted(self) -> dict[str, int]:
        records = self._asking.history.records
        return {each.task: each.owner for each in records if isinstance(each, Accepted)}

    def _known_to_end(self) -> set[str]:
        return {id for each in self._settled.values() for id in each.statuses}

    async def _insist(self, owner: Owner, until: float) -> Current | None:
        while True:
            current = await self._current(owner)
            if current is not None or self._asking.history.now() > until:
                return current
            await asyncio.sleep(TRY_SECONDS)

    async def _current(self, owner: Owner) -> Current | None:
        """What somebody new is shown; null where not all of it was answered."""
        fresh = Follower(-1, owner, self._asking, random.Random(0), remembered=False)
        while not await fresh.poll(limit=MOST):
            if fresh.cursor is None:
                return None
        tasks = await self._all_of(owner)
        if tasks is None:
            return None
        held = fresh.held()
        results = {
            task["id"]: canonical(task["result"]) for task in tasks if task["status"] == "succeeded"
        }
        statuses = {task["id"]: task["status"] for task in tasks}
        return Current(owner.number, held.tasks, statuses, results, held.unread)

    async def _all_of(self, owner: Owner) -> list[dict[str, Any]] | None:
        """Every task of an owner's, by pages."""
        found = list[dict[str, Any]]()
        query: dict[str, Any] = {"limit": MOST}
        while True:
            path = "/api/notify/tasks"
            answer = await self._asking.ask(owner, "list", "GET", path, params=query)
            if answer is None or answer.status_code != 200:
                return None
            page = answer.json()
            found += page["tasks"]
            if page["before"] is None:
                return found
            query["before"] = page["before"]

    async def _archive(
        self, owner: Owner, task: str, places: asyncio.Semaphore, until: float
    ) -> None:
        path, query = f"/api/notify/tasks/{task}/events", {"limit": MOST}
        history = self._asking.history
        async with places:
            insist = history.now() + INSIST_SECONDS
            while True:
                answer = await self._asking.ask(
                    owner, "events", "GET", path, task=task, seconds=TRY_SECONDS * 8, params=query
                )
                if answer is not None and answer.status_code == 200:
                    history.add(Archived(owner.number, task, _past(answer.json())))
                    self._given_at = history.now()
                    return
                if answer is not None and answer.status_code == 404:
                    return  # recorded as an answer, and judged as that
                if history.now() > max(until, min(insist, self._given_at + INSIST_SECONDS)):
                    return
                await asyncio.sleep(TRY_SECONDS)


def _past(page: dict[str, Any]) -> tuple[Past, ...]:
    return tuple(
        Past(each["type"], each["attempt"], each["data"].get("progress")) for each in page["events"]
    )


def _agree(follower: Follower, current: Current) -> bool:
    held = follower.held()
    return (held.tasks, held.unread) == (current.tasks, current.unread)
