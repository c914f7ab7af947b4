"""Owns submitting tasks from Python: an application's backend, or a running task, through submit.

A request is repeated when its answer got lost, always safely: a backend's carries an id made here,
a running task's the key `parent:ordinal`, so that a repeated attempt makes no twins.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_bytes
from typing import Any

import httpx

from milepost.errors import MilepostError
from milepost.ids import uuid7
from milepost.running import RunningTask, running
from milepost.settings import Settings
from milepost.tokens import mint

PAUSES_SECONDS = (0.1, 0.3, 1.0, 2.0, 4.0)
"""Between tries, while submit cannot be reached or asks to come again."""
ANSWER_SECONDS = 10.0
TOKEN_SECONDS = 60.0
APPLICATION = "application"
"""Who a backend's tokens name; whom it acts for is in the request."""


class SubmitRefused(MilepostError):
    """Submit said no; `status` and `problem` (RFC 9457) say why."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status}: {problem.get('detail') or problem.get('title')}")
        self.status = status
        self.problem = problem


class SubmitUnreachable(MilepostError):
    """Submit did not answer, or not usefully; whether the task was accepted is unknown."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A task that was accepted."""

    id: str
    type: str
    title: str
    status: str
    revision: str
    """Names the state with this task in it, for `at_least`."""


def submit(
    name: str,
    params: Mapping[str, Any],
    *,
    owner: str | None = None,
    title: str | None = None,
    tags: Sequence[str] = (),
    delay_seconds: float | None = None,
    priority: str | None = None,
) -> Submitted:
    """Submit a task; returns when it is accepted, which is a promise that it runs to an end.

    Args:
        name: the task type; nothing of it needs to be imported.
        owner: whose task it is; in a running task the same as that one's.

    Raises:
        SubmitRefused: no such type, bad params, too many live tasks, an owner that is none.
        SubmitUnreachable: no answer after several tries.
        ConfigurationError: MILEPOST_SECRET is missing or weak.
    """
    call = _call(name, params, owner, title, tags, delay_seconds, priority)
    with httpx.Client(timeout=ANSWER_SECONDS) as client:
        for pause in call.pauses():
            try:
                answer = client.post(call.url, json=call.body, headers=call.headers())
            except httpx.TransportError as err:
                call.failed(str(err))
            else:
                if call.is_final(answer):
                    return call.read(answer)
            time.sleep(pause)
    raise SubmitUnreachable(call.reason)


async def asubmit(
    name: str,
    params: Mapping[str, Any],
    *,
    owner: str | None = None,
    title: str | None = None,
    tags: Sequence[str] = (),
    delay_seconds: float | None = None,
    priority: str | None = None,
) -> Submitted:
    """The same as `submit`, for asyncio."""
    call = _call(name, params, owner, title, tags, delay_seconds, priority)
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
        for pause in call.pauses():
            try:
                answer = await client.post(call.url, json=call.body, headers=call.headers())
            except httpx.TransportError as err:
                call.failed(str(err))
            else:
                if call.is_final(answer):
                    return call.read(answer)
            await asyncio.sleep(pause)
    raise SubmitUnreachable(call.reason)


class _Call:
    """One request with what it takes to repeat it safely."""

    def __init__(
        self, settings: Settings, parent: RunningTask | None, body: dict[str, Any]
    ) -> None:
        settings.require_secret()
        self.url = f"{settings.submit_url.rstrip('/')}/api/submit/tasks"
        self.body = body
        self.reason = ""
        self._settings = settings
        self._parent = parent
        self._key: str | None = None
        if parent is None:
            body["id"] = uuid7(time.time_ns() // 1_000_000, token_bytes(10))
        else:
            self._key = f"{parent.id}:{next(parent.children)}"

    def headers(self) -> dict[str, str]:
        """With a fresh token: an attempt may have waited longer than one lives."""
        parent, settings = self._parent, self._settings
        token = mint(
            APPLICATION if parent is None else parent.owner,
            settings.secrets[0],
            now=time.time(),
            ttl_seconds=TOKEN_SECONDS,
            scopes=("service",) if parent is None else None,
            audience=settings.jwt_audience,
            local=parent is not None,
            task=None if parent is None else parent.id,
        )
        headers = {"Authorization": f"Bearer {token}"}
        if self._key is not None:
            headers["Idempotency-Key"] = self._key
        if parent is not None and parent.trace:
            headers["traceparent"] = parent.trace
        return headers

    def pauses(self) -> Iterator[float]:
        """How long to wait after each try."""
        yield from PAUSES_SECONDS
        yield 0.0

    def failed(self, reason: str) -> None:
        """Note why the last try gave no answer."""
        self.reason = f"submit at {self.url}: {reason}"

    def is_final(self, answer: httpx.Response) -> bool:
        """Whether asking again would be pointless."""
        if answer.status_code < 500:
            return True
        self.failed(f"{answer.status_code}")
        return False

    def read(self, answer: httpx.Response) -> Submitted:
        """The accepted task.

        Raises:
            SubmitRefused: it is a refusal.
        """
        body: dict[str, Any] = answer.json()
        if answer.status_code >= 400:
            raise SubmitRefused(answer.status_code, body)
        return Submitted(body["id"], body["type"], body["title"], body["status"], body["revision"])


def _call(
    name: str,
    params: Mapping[str, Any],
    owner: str | None,
    title: str | None,
    tags: Sequence[str],
    delay_seconds: float | None,
    priority: str | None,
) -> _Call:
    parent = running.get()
    if owner is not None and parent is not None and owner == parent.owner:
        owner = None
    if owner is not None:
        parent = None  # for somebody else a task acts as the application
    elif parent is None:
        raise TypeError(f"{name}: whose task is it? owner=... is missing")
    body = {
        "type": name, "params": dict(params), "title": title, "tags": list(tags) or None,
        "delay_seconds": delay_seconds, "priority": priority, "owner": owner,
    }  # fmt: skip
    given = {key: value for key, value in body.items() if value is not None}
    return _Call(Settings.load(), parent, given)
