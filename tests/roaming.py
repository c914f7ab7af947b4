"""A client that changes between poll, long poll and stream, and between servers, at random."""

import asyncio
import json
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from follower import Follower
from milepost import tokens

PATH = "/api/notify/notifications"
MARK = re.compile(r"mark-[0-9]+-")
"""In everything of an owner's: his number, and nobody else's."""


@dataclass
class Roamer:
    """One client of one owner, for as long as it runs."""

    number: int
    ports: list[int]
    secret: str
    http: httpx.AsyncClient
    dice: random.Random
    ways: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self.mark = f"mark-{self.number}-"
        self.follower = Follower(f"owner {self.mark}")
        token = tokens.mint(self.follower.owner, self.secret, now=time.time())
        self._headers = {"Authorization": f"Bearer {token}"}

    async def roam(self) -> None:
        """Follow until cancelled."""
        while True:
            way = self.dice.choice((self._poll, self._poll, self._long_poll, self._stream))
            try:
                async with asyncio.timeout(4):
                    await way()
            except (httpx.HTTPError, TimeoutError):
                self.ways["failed"] += 1
            if self.dice.random() < 0.01:
                self.follower.start_over()  # somebody reloads the page
            await asyncio.sleep(self.dice.uniform(0.05, 0.5))

    async def poll_all(self) -> None:
        """Poll until there is nothing more."""
        rows = -1
        while self.follower.rows > rows:
            rows = self.follower.rows
            await self._poll()

    async def _poll(self, wait: float = 0) -> None:
        query: dict[str, Any] = {"limit": self.dice.choice((3, 100, 1000))}
        if self.follower.cursor is not None:
            query["since"] = self.follower.cursor
        if wait:
            query["wait"] = wait
        answer = await self.http.get(self._url(), params=query, headers=self._headers)
        if answer.status_code == 200:
            self._check(answer.text)
            self.follower.page(answer.json())
        self.ways[f"{'long ' if wait else ''}poll {answer.status_code}"] += 1

    async def _long_poll(self) -> None:
        await self._poll(round(self.dice.uniform(0.5, 3), 2))

    async def _stream(self) -> None:
        headers, follower = dict(self._headers), self.follower
        if follower.cursor is not None:
            headers["Last-Event-ID"] = follower.cursor
        until = time.monotonic() + self.dice.uniform(0.2, 2)
        most = self.dice.choice((3, 1000))  # leaves in the middle of a page, too
        async with self.http.stream("GET", self._url("/stream"), headers=headers) as answer:
            self.ways[f"stream {answer.status_code}"] += 1
            if answer.status_code != 200:
                return
            before, name = follower.tasks, ""
            async for line in answer.aiter_lines():
                self._check(line)
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                    if name == "gap":
                        before = follower.tasks
                        follower.gap()
                elif line.startswith("data: ") and name not in ("gap", "expired"):
                    follower.take([json.loads(line.removeprefix("data: "))], before=before)
                    before, most = follower.tasks, most - 1
                if most == 0 or time.monotonic() > until:
                    return

    def _url(self, rest: str = "") -> str:
        return f"http://127.0.0.1:{self.dice.choice(self.ports)}{PATH}{rest}"

    def _check(self, text: str) -> None:
        strangers = set(MARK.findall(text)) - {self.mark}
        assert not strangers, f"{self.mark} was shown something of {strangers}: {text[:500]}"
