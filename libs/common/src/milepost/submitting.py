"""Owns submitting tasks from Python: an application's backend, or a running task, through submit.

A request is repeated when its answer got lost, always safely: a backend's carries an id made here,
a running task's the key `parent:ordinal`, so that a repeated attempt makes no twins.
"""

import time
from collections.abc import Mapping, Sequence
from secrets import token_bytes
from typing import Any, NamedTuple

from milepost.acting import acting_for
from milepost.conversations import submitted
from milepost.handles import TaskHandle
from milepost.http_exchange import Access, arun, run
from milepost.ids import uuid7


class _Request(NamedTuple):
    """What it takes to submit, as often as needed."""

    access: Access
    body: Mapping[str, Any]
    key: str | None


def submit(
    name: str,
    params: Mapping[str, Any],
    *,
    owner: str | None = None,
    title: str | None = None,
    tags: Sequence[str] = (),
    delay_seconds: float | None = None,
    priority: str | None = None,
) -> TaskHandle:
    """Submit a task; returns when it is accepted, which is a promise that it runs to an end.

    Args:
        name: the task type; nothing of it needs to be imported.
        owner: whose task it is; in a running task the same as that one's.

    Raises:
        InvalidRequest: params that the type does not want, or another field; `errors` says where.
        NotFound: nobody has ever announced this type.
        TooMany: the owner has too many live tasks.
        Unreachable: no answer after several tries.
        TypeError: no owner is given and no task runs here.
        ConfigurationError: MILEPOST_SECRET is missing or weak.
    """
    request = _request(name, params, owner, title, tags, delay_seconds, priority)
    return _handle(run(submitted(request.body, request.key), request.access), owner)


async def asubmit(
    name: str,
    params: Mapping[str, Any],
    *,
    owner: str | None = None,
    title: str | None = None,
    tags: Sequence[str] = (),
    delay_seconds: float | None = None,
    priority: str | None = None,
) -> TaskHandle:
    """The same as `submit`, for asyncio."""
    request = _request(name, params, owner, title, tags, delay_seconds, priority)
    answer = await arun(submitted(request.body, request.key), request.access)
    return _handle(answer, owner)


def _request(
    name: str,
    params: Mapping[str, Any],
    owner: str | None,
    title: str | None,
    tags: Sequence[str],
    delay_seconds: float | None,
    priority: str | None,
) -> _Request:
    acting = acting_for(owner)
    body = {
        "type": name, "params": dict(params), "title": title, "tags": list(tags) or None,
        "delay_seconds": delay_seconds, "priority": priority, "owner": acting.owner,
    }  # fmt: skip
    given = {key: value for key, value in body.items() if value is not None}
    if acting.parent is None:
        given["id"] = uuid7(time.time_ns() // 1_000_000, token_bytes(10))
        return _Request(acting.access, given, None)
    return _Request(acting.access, given, f"{acting.parent.id}:{next(acting.parent.children)}")


def _handle(answer: Mapping[str, Any], owner: str | None) -> TaskHandle:
    return TaskHandle(
        answer["id"], owner=owner, status=answer["status"], revision=answer["revision"],
        type=answer["type"], title=answer["title"],
    )  # fmt: skip
