"""Owns what is done to a deployment, and when: by dice, one blow at a time. Knows no process."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from milepost.errors import ConfigurationError
from milepost_cli.storm.history import History
from milepost_cli.storm.records import Struck

FIRST_SECONDS = 1.5
"""By then there is something under way."""
PAUSE_SECONDS = 2.5
"""Between two blows, at most."""
RESPITES = 2 / 3
"""How often the next waits until this one is felt no more. If none did, what takes seconds to start
would be down for half a minute by chance, killed anew each time: nobody would see it recover."""


@dataclass(frozen=True, slots=True)
class Blow:
    """One thing that may be done."""

    name: str
    """What, and to what: `kill worker`."""
    deal: Callable[[random.Random], Awaitable[bool]]
    """Does it, and returns when the harm itself is over; false where there is nobody to strike."""


def chosen(blows: Sequence[Blow], names: Sequence[str]) -> list[Blow]:
    """Those of the blows that are named; all where none is.

    Raises:
        ConfigurationError: there is no such blow.
    """
    known = {blow.name: blow for blow in blows}
    if strange := [name for name in names if name not in known]:
        raise ConfigurationError(f"no blow {strange[0]!r} (there are: {', '.join(sorted(known))})")
    return [known[name] for name in names] or list(blows)


async def strike(
    blows: Sequence[Blow],
    dice: random.Random,
    history: History,
    until: Callable[[], bool],
    recovered: Callable[[], Awaitable[None]],
) -> None:
    """Deal blows until the storm is over, and return when the last one's harm is."""
    await asyncio.sleep(FIRST_SECONDS)
    while blows and not until():
        blow, began = dice.choice(blows), history.now()
        has_respite = dice.random() < RESPITES
        if await blow.deal(random.Random(dice.random())):
            history.add(Struck(began, blow.name, history.now()))
            if has_respite:
                await recovered()
        await asyncio.sleep(dice.uniform(0.2, PAUSE_SECONDS))
