"""Owns one follower of an owner's tasks: by poll, long poll and stream, changing between them.

It remembers what it was told as a page would, and records it. Judges nothing.
"""

import asyncio
import json
import random
from typing import Any

import httpx

from milepost_cli.storm.history import History, lasting
from milepost_cli.storm.owner import Asking, Owner
from milepost_cli.storm.records import Held, Restarted, Told

PATH = "/api/notify/notifications"
TASK, UNREAD = "task_progress", "unread_message_count"
LEAVES_SECONDS = 6.0
"""It waits for no answer longer: a stalled one is asked for again."""
PAUSE_SECONDS = 0.4
MOST = 1000
"""Rows of a page."""
RELOADS = 0.005
"""How often somebody reloads the page and forgets everything."""


class Follower:
    """One of an owner's tabs, for as long as it runs."""

    def __init__(
        self,
        number: int,
        owner: Owner,
        asking: Asking,
        dice: random.Random,
        *,
        remembered: bool = True,
    ) -> None:
        """`remembered`: what it is told is recorded, and not only that there were answers."""
        self.number, self.owner, self._remembered = number, owner, remembered
        self._asking, self._dice = asking, dice
        self._history: History = asking.history
        self.cursor: str | None = None
        self.tasks: dict[str, dict[str, Any]] = {}
        self.unread = 0

    async def roam(self) -> None:
        """Follow until cancelled."""
        ways = (self.poll, self._long_poll, self._stream)
        while True:
            way = self._dice.choices(ways, (1, 2, 2))[0]
            try:
                async with asyncio.timeout(LEAVES_SECONDS):
                    await way()
            except (httpx.HTTPError, TimeoutError):
                pass  # what was told of it before is kept, and recorded
            if self._dice.random() < RELOADS:
                self._start_over(gap=False)
            await asyncio.sleep(self._dice.uniform(0.02, PAUSE_SECONDS))

    async def poll(self, *, limit: int | None = None, wait: float = 0.0) -> bool:
        """Ask once; whether there was an answer with nothing in it."""
        query: dict[str, Any] = {"limit": limit or self._dice.choice((3, 20, 200))}
        if self.cursor is not None:
            query["since"] = self.cursor
        if wait:
            query["wait"] = wait
        call = "long poll" if wait else "poll"
        answer = await self._asking.ask(self.owner, call, "GET", PATH, params=query)
        if answer is None or answer.status_code != 200:
            return False
        page = answer.json()
        if page["gap"]:
            self._start_over(gap=True)
        for row in page["notifications"]:
            self._take(row)
        self.cursor = page["cursor"]
        return not page["notifications"]

    async def catch_up(self, until: float) -> None:
        """Ask from where it stands until nothing is new, as who stays does; at most until then. A
        page that was loaded anew at the very end has thousands of tasks to read."""
        while not await self.poll(limit=MOST):
            if self._history.now() >= until:
                return
            await asyncio.sleep(0.01)

    def held(self) -> Held:
        """What it knows."""
        shown = {id: lasting(task) for id, task in self.tasks.items() if not task["dismissed"]}
        statuses = {id: task["status"] for id, task in self.tasks.items()}
        return Held(self.number, shown, statuses, self.unread)

    async def _long_poll(self) -> None:
        await self.poll(wait=round(self._dice.uniform(0.5, 3), 2))

    async def _stream(self) -> None:
        """Listen for a while; leaves in the middle of a page, too."""
        last = {} if self.cursor is None else {"Last-Event-ID": self.cursor}
        history, marks, status, name = self._history, frozenset[int](), 0, ""
        began, rows = history.now(), self._dice.choice((3, 100, 1000))
        until = began + self._dice.uniform(0.5, 4)
        try:
            async with self._asking.http.stream(
                "GET", self._asking.url(f"{PATH}/stream"), headers=self.owner.headers | last,
                timeout=LEAVES_SECONDS,
            ) as answer:  # fmt: skip
                status = answer.status_code
                if status != 200:
                    return
                async for line in answer.aiter_lines():
                    marks |= self._asking.marks(line)
                    if line.startswith("event: "):
                        name = line.removeprefix("event: ")
                        if name == "gap":
                            self._start_over(gap=True)
                    elif line.startswith("data: ") and name in (TASK, UNREAD):
                        row = json.loads(line.removeprefix("data: "))
                        self._take(row)
                        self.cursor = row["id"]
                        rows -= 1
                    if rows == 0 or history.now() > until:
                        return
        finally:
            self._asking.answered(self.owner, "stream", status, began, marks)

    def _start_over(self, *, gap: bool) -> None:
        self.cursor, self.tasks, self.unread = None, {}, 0
        if self._remembered:
            self._history.add(Restarted(self._history.now(), self.number, gap))

    def _take(self, row: dict[str, Any]) -> None:
        if row["name"] == UNREAD:
            self.unread = row["data"]
        if row["name"] != TASK:
            return
        task = row["data"]
        self.tasks[task["task_id"]] = task
        if self._remembered:
            self._history.add(
                Told(
                    self._history.now(), self.number, row["id"], task["task_id"], task["status"],
                    task["attempt"], task["progress"], task["dismissed"],
                )
            )  # fmt: skip
