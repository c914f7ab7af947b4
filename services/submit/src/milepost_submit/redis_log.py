"""Owns submit's use of the log: once it is known to be ours, again when an answer is lost."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from milepost.errors import ConfigurationError, LogFull, LogUnavailable
from milepost_log.commands import CommandLog
from milepost_service.checks import NotReady

_log = logging.getLogger(__name__)
T = TypeVar("T")

_PAUSES_SECONDS = (0.05, 0.2, 0.5)
"""Before repeating: a server that restarts is often back by then."""
_REPEAT_WITHIN_SECONDS = 1.0
_PREPARE_EVERY_SECONDS = 0.5


class Door:
    """Lets commands through to the log once its partitions are named and as many as configured."""

    def __init__(self, log: CommandLog) -> None:
        self._log = log
        self._open = False
        self._unprepared: list[int] | None = None
        self._refused: str | None = None

    async def prepare(self) -> None:
        """Name the log and check its partitions; open when some primary answers.

        Raises:
            ConfigurationError: it is another deployment's.
            LogUnavailable: Redis does not answer.
        """
        try:
            self._unprepared = await self._log.prepare(self._unprepared)
        except ConfigurationError as err:
            self._refused = str(err)
            raise
        self._open = True

    async def keep_preparing(self) -> None:
        """Prepare as soon as Redis answers, and what was away then as soon as that answers; for the
        background."""
        while self._unprepared != []:
            try:
                await self.prepare()
                if not self._unprepared:
                    return
            except LogUnavailable:
                pass
            except ConfigurationError as err:
                _log.error("%s", err, extra={"action": "prepare"})
                return
            await asyncio.sleep(_PREPARE_EVERY_SECONDS)

    async def check(self) -> None:
        """Return if commands would get through.

        Raises:
            NotReady: they would not.
        """
        if self._refused:
            raise NotReady(self._refused)
        if not self._open:
            raise NotReady("Redis has not answered yet")

    async def command(self, step: Callable[[CommandLog], Awaitable[T]]) -> T:
        """Run one command; all of them may be repeated safely, so a lost answer is asked for again.

        Raises:
            LogFull: there is no room; a moment later there is none either.
            LogUnavailable: no answer within about a second, or never prepared.
        """
        if not self._open:
            raise LogUnavailable(self._refused or "Redis has not answered yet")
        began = time.monotonic()
        for pause in _PAUSES_SECONDS:
            try:
                return await step(self._log)
            except LogFull:
                raise
            except LogUnavailable:
                if time.monotonic() - began + pause > _REPEAT_WITHIN_SECONDS:
                    raise
            await asyncio.sleep(pause)
        return await step(self._log)
