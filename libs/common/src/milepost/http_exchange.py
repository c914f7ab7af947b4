"""Carries conversations out over HTTP (httpx), for threads and for asyncio. Decides nothing."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from milepost.exchanges import Answer, Ask, Conversation, Pause, Step
from milepost.records import Task

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Access:
    """Where the services are, and as whom they are asked."""

    submit_url: str
    notify_url: str
    headers: Callable[[Ask], Mapping[str, str]]
    """Asked for each request anew: an earlier token may have expired."""

    def request(self, ask: Ask) -> dict[str, Any]:
        """An Ask as arguments of httpx."""
        base = self.submit_url if ask.service == "submit" else self.notify_url
        key = {} if ask.key is None else {"Idempotency-Key": ask.key}
        return {
            "method": ask.method,
            "url": base.rstrip("/") + ask.path,
            "params": dict(ask.query),
            "json": None if ask.body is None else dict(ask.body),
            "headers": {**self.headers(ask), **key},
            "timeout": ask.seconds,
        }

    @property
    def verify(self) -> bool:
        """Whether TLS is spoken at all: certificates take 80 ms to load."""
        return any(url.startswith("https:") for url in (self.submit_url, self.notify_url))


def told(conversation: Conversation[object], access: Access) -> Generator[Task]:
    """Carry a conversation out, giving what it tells."""
    with closing(conversation), httpx.Client(verify=access.verify) as client:
        answer: Answer | None = None
        with suppress(StopIteration):
            while True:
                step = conversation.send(answer)
                if isinstance(step, Task):
                    yield step
                answer = _carried_out(step, client, access)


def run(conversation: Conversation[T], access: Access) -> T:
    """Carry a conversation out; what it comes to."""
    with closing(conversation), httpx.Client(verify=access.verify) as client:
        answer: Answer | None = None
        while True:
            try:
                step = conversation.send(answer)
            except StopIteration as end:
                return end.value
            answer = _carried_out(step, client, access)


async def atold(conversation: Conversation[object], access: Access) -> AsyncGenerator[Task]:
    """The same as `told`, for asyncio."""
    with closing(conversation):
        async with httpx.AsyncClient(verify=access.verify) as client:
            answer: Answer | None = None
            with suppress(StopIteration):
                while True:
                    step = conversation.send(answer)
                    if isinstance(step, Task):
                        yield step
                    answer = await _acarried_out(step, client, access)


async def arun(conversation: Conversation[T], access: Access) -> T:
    """The same as `run`, for asyncio."""
    with closing(conversation):
        async with httpx.AsyncClient(verify=access.verify) as client:
            answer: Answer | None = None
            while True:
                try:
                    step = conversation.send(answer)
                except StopIteration as end:
                    return end.value
                answer = await _acarried_out(step, client, access)


def _carried_out(step: Step, client: httpx.Client, access: Access) -> Answer | None:
    match step:
        case Task():
            return None
        case Pause(seconds):
            return time.sleep(seconds)
        case Ask():
            try:
                return _read(client.request(**access.request(step)))
            except (httpx.TransportError, httpx.DecodingError) as err:
                return _none(err)


async def _acarried_out(step: Step, client: httpx.AsyncClient, access: Access) -> Answer | None:
    match step:
        case Task():
            return None
        case Pause(seconds):
            return await asyncio.sleep(seconds)
        case Ask():
            try:
                return _read(await client.request(**access.request(step)))
            except (httpx.TransportError, httpx.DecodingError) as err:
                return _none(err)


def _read(response: httpx.Response) -> Answer:
    try:
        body = json.loads(response.content) if response.content else None
        retry_after = float(response.headers.get("retry-after") or 0)
    except ValueError:  # a proxy's page, or a date
        body, retry_after = response.text or None, 0.0
    return Answer(response.status_code, body, retry_after_seconds=max(0.0, retry_after))


def _none(err: httpx.RequestError) -> Answer:
    at = err.request.url
    origin = f"{at.scheme}://{at.netloc.decode()}"
    return Answer(0, reason=f"{origin}: {str(err) or type(err).__name__}")
