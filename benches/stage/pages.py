"""Owns what pages see of tasks that report ten times a second, each with the time it is made at."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

PAUSE_SECONDS = 0.1


@dataclass(slots=True)
class Seen:
    """What clients of one kind saw in a round, in ms."""

    ages: list[float] = field(default_factory=list[float])
    """Of every report that came, when it came."""
    waits: list[float] = field(default_factory=list[float])
    """Of every report that was made, until it or a newer one came."""


async def watch(notifications: AsyncGenerator[Any], took: Seen) -> None:
    """Note how old each report is that comes, until the task has ended. What was reported since the
    last flush comes with the end, and counts as what came before it."""
    seen, newest = "", -1
    async with aclosing(notifications):
        async for notification in notifications:
            now, data = time.monotonic_ns(), notification["data"]
            if notification["name"] != "task_progress":
                continue
            assert data["status"] not in ("failed", "cancelled"), data
            if data["message"] and data["message"] != seen:
                seen, before, newest = data["message"], newest, int(data["done"])
                age = (now - int(seen)) / 1e6
                took.ages.append(age)
                # Those between were made in time before it.
                missed = range(newest - before)
                took.waits += (age + 1000 * PAUSE_SECONDS * earlier for earlier in missed)
            if data["status"] == "succeeded":
                return
