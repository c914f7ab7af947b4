"""Waiting for a condition, never for a time: what tests do where nothing tells them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_for(
    condition: Callable[[], object], what: str | Callable[[], str], seconds: float = 20.0
) -> None:
    """Wait until the condition holds; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            said = what if isinstance(what, str) else what()
            raise AssertionError(f"{said}: not within {seconds} s")
        time.sleep(0.01)  # between two looks at the condition


async def until(
    look: Callable[[], Awaitable[Found]], holds: Callable[[Found], bool], seconds: float = 20
) -> Found:
    """Look again and again until it is as wanted; fails after the deadline with what was seen."""
    deadline = time.monotonic() + seconds
    while True:
        found = await look()
        if holds(found):
            return found
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.01)
