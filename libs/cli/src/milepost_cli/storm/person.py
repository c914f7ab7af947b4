"""Owns what one of a storm's people does: submits, batches, cancels, retries, and what is wrong.

Whoever gets no answer asks again with the same words, until there is one. Judges nothing.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from milepost.ids import uuid7
from milepost_cli.storm import tasks
from milepost_cli.storm.history import canonical
from milepost_cli.storm.owner import Asking, Owner
from milepost_cli.storm.records import Accepted, Bad, Unanswered

SUBMIT, NOTIFY = "/api/submit", "/api/notify"
DEMO = "demo.steps"
MOST_KEPT = 200
"""So many of the newest tasks may be asked for again."""


class Person:
    """One owner's hands."""

    def __init__(
        self, owner: Owner, asking: Asking, dice: random.Random, types: Sequence[str]
    ) -> None:
        """`types`: of `demo.steps` and `storm.work`, those that the deployment has."""
        self.owner = owner
        self.newest: list[tuple[str, str]] = []
        """Its latest tasks, each with the revision it was accepted with."""
        self._asking, self._dice, self._types = asking, dice, types
        self._history = asking.history

    async def act(
        self, until: Callable[[], bool], pause: float, others: Sequence["Person"]
    ) -> None:
        """Do one thing after another, `pause` seconds between two on average.

        Raises:
            asyncio.CancelledError: with what got no answer recorded.
        """
        while not until():
            what = self._dice.choices(
                (self._submit, self._batch, self._bad_batch, self._change, self._look),
                (10, 2, 2, 4, 2),
            )[0]
            await what()
            if self._dice.random() < 0.1:
                await self._pry(self._dice.choice(others))
            await asyncio.sleep(self._dice.uniform(0, 2 * pause))

    async def _submit(self) -> None:
        """One task, by an id of ours or under an Idempotency-Key; one in three asks twice."""
        body, result = self._task()
        headers, key = dict[str, str](), body["id"]
        if self._dice.random() < 0.4:
            key = f"key {body.pop('id')}"
            headers["Idempotency-Key"] = key
        for _ in range(self._dice.choice((1, 1, 2))):
            answer = await self._insist(f"{SUBMIT}/tasks", body, key, [body.get("id")], headers)
            if answer is not None and answer.is_success:
                self._accepted(answer.json(), key, result)
        if self.newest and self._dice.random() < 0.15:
            await self._cancel(self.newest[-1][0])

    async def _batch(self) -> None:
        """Several at once, all or none."""
        made = [self._task() for _ in range(self._dice.randrange(2, 8))]
        bodies = [body for body, _ in made]
        key = f"batch {bodies[0]['id']}"
        ids = [body["id"] for body in bodies]
        answer = await self._insist(f"{SUBMIT}/tasks/batch", {"tasks": bodies}, key, ids, {})
        if answer is not None and answer.is_success:
            for told, (body, result) in zip(answer.json()["tasks"], made, strict=True):
                self._accepted(told, body["id"], result)

    async def _bad_batch(self) -> None:
        """A batch with one bad task, wherever in it: refused, and none of it may exist."""
        bodies = [self._task()[0] for _ in range(self._dice.randrange(2, 6))]
        ids = [body["id"] for body in bodies]
        self._dice.choice(bodies)["params"] = {"nonsense": self.owner.mark}
        answer = await self._insist(
            f"{SUBMIT}/tasks/batch", {"tasks": bodies}, ids[0], ids, {}, call="bad batch"
        )
        if answer is not None:
            for id in ids:
                now = self._history.now()
                self._history.add(Bad(now, self.owner.number, id, answer.status_code))

    async def _change(self) -> None:
        """Cancel, retry or dismiss one of ours, or mark all as read."""
        if not self.newest:
            return
        task, _ = self._dice.choice(self.newest)
        what = self._dice.choice(("cancel", "retry", "dismiss", "read"))
        path = f"{SUBMIT}/tasks/{task}/{what}"
        if what == "retry":
            key = f"retry {task} {self._dice.random()}"
            headers = {"Idempotency-Key": key}
            answer = await self._insist(path, None, key, [], headers, call="retry", task=task)
            if answer is not None and answer.is_success:
                self._accepted(answer.json(), key, None)
        elif what == "read":
            answer = await self._ask("read", "GET", f"{NOTIFY}/notifications", params={"limit": 1})
            if answer is not None and answer.status_code == 200:
                until = {"until": answer.json()["cursor"]}
                await self._ask("read", "POST", f"{SUBMIT}/inbox/read", json=until)
        else:
            await self._ask(what, "POST", path, task=task)

    async def _cancel(self, task: str) -> None:
        await self._ask("cancel", "POST", f"{SUBMIT}/tasks/{task}/cancel", task=task)

    async def _look(self) -> None:
        """Look at one of ours: what was accepted is there, or not yet, and never unknown."""
        if self.newest:
            task, revision = self._dice.choice(self.newest)
            seen = {"at_least": revision}
            await self._ask("look", "GET", f"{NOTIFY}/tasks/{task}", task=task, params=seen)

    async def _pry(self, other: "Person") -> None:
        """Ask for another's task."""
        if other is not self and other.newest:
            task, _ = self._dice.choice(other.newest)
            if self._dice.random() < 0.5:
                await self._ask("pry", "GET", f"{NOTIFY}/tasks/{task}", task=task)
            else:
                await self._ask("pry", "POST", f"{SUBMIT}/tasks/{task}/cancel", task=task)

    async def _ask(
        self, call: str, method: str, path: str, **content: Any
    ) -> httpx.Response | None:
        return await self._asking.ask(self.owner, call, method, path, **content)

    async def _insist(
        self,
        path: str,
        body: Any,
        key: str,
        ids: Sequence[str | None],
        headers: dict[str, str],
        *,
        call: str = "submit",
        task: str = "",
    ) -> httpx.Response | None:
        """Ask until there is an answer that decides; at first perhaps without waiting for it."""
        content = {} if body is None else {"json": body}
        impatient = self._dice.random() < 0.15
        try:
            while True:
                more = {"seconds": self._dice.uniform(0.001, 0.02)} if impatient else {}
                impatient = False
                answer = await self._asking.ask(
                    self.owner, call, "POST", path, headers=headers, task=task, **more, **content
                )
                if answer is not None and answer.status_code < 500 and answer.status_code != 429:
                    return answer
                await asyncio.sleep(self._dice.uniform(0.1, 0.5))
        except asyncio.CancelledError:
            named = tuple(id for id in ids if id is not None)
            self._history.add(Unanswered(self.owner.number, key, named))
            raise

    def _accepted(self, told: dict[str, Any], key: str, result: str | None) -> None:
        self._history.add(
            Accepted(
                self._history.now(), self.owner.number, told["id"], key, told["revision"], result
            )
        )
        self.newest = [*self.newest[-MOST_KEPT:], (told["id"], told["revision"])]

    def _task(self) -> tuple[dict[str, Any], str | None]:
        """Some task's body, and the result it has to have."""
        dice, mark = self._dice, self.owner.mark
        seconds = dice.choice((0, 0, 0.05, 0.3, 1.0, 2.0, 4.0))
        kind = dice.choices(self._types, [1 if each == DEMO else 3 for each in self._types])[0]
        if kind == DEMO:
            steps = dice.choice((1, 10, 200))
            params: dict[str, Any] = {"steps": steps, "seconds": seconds}
            if dice.random() < 0.15:
                params["fail_at"] = dice.randint(1, steps)
            result = {"steps": steps}
        else:
            pieces = dice.choice((1, 5, 40))
            params = {"mark": mark, "pieces": pieces, "seconds": seconds}
            params["wavers"] = dice.random() < 0.3
            params["resumes"] = dice.random() < 0.3
            params["retries"] = dice.choice((0, 0, 0, 1, 2))
            params["fails"] = dice.random() < 0.1
            result = tasks.result(mark, pieces)
        body: dict[str, Any] = {
            "id": uuid7(int(time.time() * 1000), dice.randbytes(10)),
            "type": kind, "params": params, "title": f"{mark} {kind}", "tags": [mark],
            "priority": dice.choice(("high", "normal", "normal", "low")),
        }  # fmt: skip
        if dice.random() < 0.1:
            body["delay_seconds"] = dice.choice((0.2, 1))
        return body, canonical(result)
