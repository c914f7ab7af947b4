"""Owns serving several applications as one, by path; they stay strangers to each other."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Joined:
    """Gives `/api/submit/...` to the application of that prefix and everything else to `rest`."""

    def __init__(self, apps: Mapping[str, ASGIApp], rest: ASGIApp) -> None:
        self._apps = dict(apps)
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand over; lifespans start in order and stop in reverse."""
        if scope["type"] == "lifespan":
            return await self._live(scope, receive, send)
        path: str = scope["path"]
        for prefix, app in self._apps.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                return await app(scope, receive, send)
        return await self._rest(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        lives = [_Life(app, scope) for app in (*self._apps.values(), self._rest)]
        started: list[_Life] = []
        for life in lives:
            answer = await life.start()
            if answer["type"] != "lifespan.startup.complete":
                await send(answer)
                break
            started.append(life)
        else:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        failed: Message | None = None
        for life in reversed(started):
            answer = await life.stop()
            failed = failed or (answer if answer["type"].endswith("failed") else None)
        if len(started) == len(lives):
            await send(failed or {"type": "lifespan.shutdown.complete"})


class _Life:
    """The lifespan of one application, in a task of its own."""

    def __init__(self, app: ASGIApp, scope: Scope) -> None:
        self._to: asyncio.Queue[Message] = asyncio.Queue()
        self._from: asyncio.Queue[Message] = asyncio.Queue()
        self._app = app
        self._scope: dict[str, Any] = {**scope, "state": {}}
        self._task: asyncio.Task[None] | None = None

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._to.get, self._from.put)
        except Exception as err:
            # For one that fails without saying so; of one that said so this is not heard.
            await self._from.put({"type": "lifespan.failed", "message": repr(err)})

    async def start(self) -> Message:
        self._task = asyncio.create_task(self._run())
        return await self._ask("startup")

    async def stop(self) -> Message:
        answer = await self._ask("shutdown")
        if self._task:
            await self._task
        return answer

    async def _ask(self, step: str) -> Message:
        await self._to.put({"type": f"lifespan.{step}"})
        answer = await self._from.get()
        failed = answer["type"] == "lifespan.failed"
        return {**answer, "type": f"lifespan.{step}.failed"} if failed else answer
