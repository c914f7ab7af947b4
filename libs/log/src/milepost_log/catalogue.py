"""Owns the catalogue of task types in Redis: workers announce, submit reads."""

from typing import cast

from pydantic import ValidationError

from milepost import keys
from milepost.task_types import TaskType
from milepost_log.servers import AsyncServers, Servers

KEEP_SECONDS = 30 * 24 * 3600
"""A type that no worker has announced for so long is forgotten."""


def announce(servers: Servers, namespace: str, types: list[TaskType]) -> None:
    """Tell submit of these types; the newest announcement of a name wins."""
    if types:
        rows = {task_type.name: task_type.model_dump_json() for task_type in types}
        key = keys.catalogue(namespace)
        with servers.at(key) as client:
            client.hset(key, mapping=rows)  # pyright: ignore  # untyped


def has(servers: Servers, namespace: str, types: list[TaskType]) -> bool:
    """Whether all these types stand in it; a Redis that lost its data has forgotten them."""
    key = keys.catalogue(namespace)
    with servers.at(key) as client:
        found = cast(list[bytes | None], client.hmget(key, [each.name for each in types]))  # pyright: ignore  # untyped
    return None not in found


async def read(servers: AsyncServers, namespace: str, *, now: float) -> dict[str, TaskType]:
    """Every type announced in the last 30 days, by name. `now`: seconds since the epoch."""
    key = keys.catalogue(namespace)
    async with servers.at(key) as client:
        rows = cast(dict[bytes, bytes], await client.hgetall(key))  # pyright: ignore  # untyped
    return _announced_since(now - KEEP_SECONDS, rows)


def read_since(servers: Servers, namespace: str, since: float) -> dict[str, TaskType]:
    """Every type announced after `since`, seconds since the epoch, by name; for threads."""
    key = keys.catalogue(namespace)
    with servers.at(key) as client:
        rows = cast(dict[bytes, bytes], client.hgetall(key))  # pyright: ignore  # untyped
    return _announced_since(since, rows)


def _announced_since(since: float, rows: dict[bytes, bytes]) -> dict[str, TaskType]:
    types: dict[str, TaskType] = {}
    for raw in rows.values():
        try:
            task_type = TaskType.model_validate_json(raw)
        except ValidationError:
            continue  # a later version's announcement, or somebody's mistake: not ours to offer
        if task_type.announced_at > since:
            types[task_type.name] = task_type
    return types
