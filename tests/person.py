"""Somebody who uses Milepost over HTTP, for tests: signs up, submits, follows cursors, checks."""

import time
from collections.abc import Callable
from typing import Any, Self
from uuid import uuid4

import httpx

PASSWORD = "correct horse battery"


class Person:
    """A signed-in account that remembers all it was ever shown, and that it never lied."""

    def __init__(self, url: str, name: str | None = None) -> None:
        self.name = name or f"p{uuid4().hex[:10]}"
        self.http = httpx.Client(base_url=url, headers={"Origin": url}, timeout=35)
        self.tasks: dict[str, dict[str, Any]] = {}
        self.unread = 0
        self.cursor: str | None = None
        self.gaps = 0
        EVERYBODY.append(self)

    @classmethod
    def signed_up(cls, url: str, name: str | None = None) -> Self:
        """A new account, signed in."""
        name = name or f"p{uuid4().hex[:10]}"
        with httpx.Client(base_url=url, headers={"Origin": url}, timeout=35) as http:
            account = {"username": name, "password": PASSWORD}
            answer = http.post("/api/submit/accounts", json=account)
            assert answer.status_code == 201, answer.text
        return cls.signed_in(url, name)

    @classmethod
    def signed_in(cls, url: str, name: str) -> Self:
        """An account that is there, signed in anew."""
        person = cls(url, name)
        account = {"username": name, "password": PASSWORD}
        answer = person.http.post("/api/submit/session", json=account)
        assert answer.status_code == 200, answer.text
        return person

    def submit(self, task_type: str, **params: Any) -> str:
        """Submit a task, again and again with one id until it is answered; its id."""
        body = {"type": task_type, "params": params, "id": new_id()}
        return self._insist(lambda: self.http.post("/api/submit/tasks", json=body))["id"]

    def _insist(self, call: Callable[[], httpx.Response], seconds: float = 30) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer = call()
                if answer.status_code < 500:
                    assert answer.status_code in (200, 201), answer.text
                    return answer.json()
                assert answer.headers["content-type"] == "application/problem+json", answer.text
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, "no answer"
            _breathe()

    def poll(self, wait: float = 0.5) -> None:
        """Ask for what is new; an unreachable server is no news."""
        query: dict[str, Any] = {"since": self.cursor, "wait": wait} if self.cursor else {}
        try:
            answer = self.http.get("/api/notify/notifications", params=query)
        except httpx.TransportError:
            _breathe()
            return
        if answer.status_code in (502, 503):
            _breathe()
            return
        assert answer.status_code == 200, answer.text
        news = answer.json()
        if news["gap"]:
            self.gaps += 1
            self.tasks.clear()
        for row in news["notifications"]:
            if row["name"] == "unread_message_count":
                self.unread = row["data"]
            else:
                self._see(row["data"])
        self.cursor = news["cursor"]

    def _see(self, task: dict[str, Any]) -> None:
        """Take in a task; what it shows may not go backwards."""
        before = self.tasks.get(task["id"])
        if before is not None:
            assert task["attempt"] >= before["attempt"], (before, task)
            if task["attempt"] == before["attempt"]:
                assert task["progress"] >= before["progress"], (before, task)
            if before["ended_at"] is not None:
                assert task["status"] == before["status"], (before, task)
        assert (task["progress"] == 100) == (task["status"] == "succeeded"), task
        self.tasks[task["id"]] = task

    def follow(self, until: Callable[[], object], what: str, seconds: float = 60) -> None:
        """Poll until the condition holds."""
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s: {self.statuses()}"
            self.poll()

    def follow_to_end(self, *ids: str, seconds: float = 60) -> None:
        """Poll until these tasks have ended."""
        self.follow(lambda: all(map(self.has_ended, ids)), "the end of all tasks", seconds)

    def has_ended(self, task: str) -> bool:
        """Whether it is known to have ended."""
        return task in self.tasks and self.tasks[task]["ended_at"] is not None

    def statuses(self) -> dict[str, int]:
        """How many tasks are in which status."""
        found = [task["status"] for task in self.tasks.values()]
        return {status: found.count(status) for status in sorted(set(found))}

    def events(self, task: str) -> list[dict[str, Any]]:
        """A task's whole history."""
        found: list[dict[str, Any]] = []
        after = None
        while True:
            query = {"limit": 1000, **({"after": after} if after else {})}
            page = self.http.get(f"/api/notify/tasks/{task}/events", params=query).json()
            found += page["events"]
            if not page["events"]:
                return found
            after = page["after"]


def _breathe() -> None:
    """Leave the processor to what is not there yet, before the next look."""
    time.sleep(0.02)


def new_id() -> str:
    """A UUIDv7, as a client makes it."""
    lots = uuid4().hex
    stamp = f"{int(time.time() * 1000):012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7{lots[:3]}-a{lots[3:6]}-{lots[6:18]}"


EVERYBODY: list[Person] = []
"""Who was made in the test that runs; conftest.py closes their connections."""
