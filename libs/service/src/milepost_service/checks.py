"""Owns running readiness checks side by side, each in bounded time. Knows none of them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

SECONDS = 2.0
"""A check that takes longer has failed."""


class NotReady(Exception):
    """Raised by a check: what is missing, in words that may be shown to anybody."""


Check = Callable[[], Awaitable[object]]
"""Returns when all is well, raises otherwise."""


async def run(checks: Mapping[str, Check]) -> dict[str, str]:
    """Run all; "ok" or a short reason for each. Says nothing of other exceptions but their type."""
    found = await asyncio.gather(*(_one(check) for check in checks.values()))
    return dict(zip(checks, found, strict=True))


async def _one(check: Check) -> str:
    try:
        await asyncio.wait_for(check(), SECONDS)
    except NotReady as err:
        return str(err)
    except TimeoutError:
        return f"no answer within {SECONDS:g} s"
    except Exception as err:
        return f"failed: {type(err).__name__}"
    return "ok"
