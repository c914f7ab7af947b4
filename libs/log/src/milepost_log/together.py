"""Owns sending what is asked of one server at the same time in one piece. Knows no key, no script.

A command on its way costs its sender more in sockets and wake-ups than in everything else, and the
server a flush to disk where every write is flushed. What many coroutines ask for in one turn of the
event loop shares both. Nobody waits for others: the next turn's commands have a connection of their
own. Each command succeeds or fails by itself; it is no transaction.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import redis.asyncio

Command = tuple[str | bytes | int | float, ...]

MOST = 100
"""Commands in one piece, so that the first answer does not wait for thousands."""


class Together:
    """The commands for one server, from one event loop."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._asked: list[tuple[Command, asyncio.Future[Any]]] = []
        self._sending = set[asyncio.Task[None]]()

    async def ask(self, *command: str | bytes | int | float) -> Any:
        """Send a command, such as `ask("EVALSHA", sha, 1, key)`; its answer.

        Raises:
            redis.RedisError: as the client raises them. After ConnectionError and TimeoutError it
                may have been carried out.
        """
        loop = asyncio.get_running_loop()
        if not self._asked:
            loop.call_soon(self._send)
        answer = loop.create_future()
        self._asked.append((command, answer))
        return await answer

    def _send(self) -> None:
        asked, self._asked = self._asked, []
        for start in range(0, len(asked), MOST):
            sending = asyncio.ensure_future(self._exchange(asked[start : start + MOST]))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

    async def _exchange(self, asked: Sequence[tuple[Command, asyncio.Future[Any]]]) -> None:
        try:
            answers = await self._answers([command for command, _ in asked])
        except Exception as err:
            answers = [err] * len(asked)
        except BaseException:  # the program ends
            for _, future in asked:
                future.cancel()
            raise
        for (_, future), answer in zip(asked, answers, strict=True):
            if future.done():  # whoever asked has gone
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def _answers(self, commands: Sequence[Command]) -> Sequence[Any]:
        """An answer each; an exception where the server refused one."""
        if len(commands) == 1:
            return [await self._client.execute_command(*commands[0])]  # pyright: ignore  # untyped
        async with self._client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)  # pyright: ignore  # untyped
            return await pipeline.execute(raise_on_error=False)
