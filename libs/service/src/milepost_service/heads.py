"""Owns HEAD: every GET without its body. Knows no endpoint."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Heads:
    """Asks the application for a GET and sends the head of its answer alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; a stream is ended once its head is sent."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self._app(scope, receive, send)
        ended = asyncio.Event()

        async def heading(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
            elif not ended.is_set():
                ended.set()
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        asked = asyncio.ensure_future(self._app({**scope, "method": "GET"}, receive, heading))
        ending = asyncio.ensure_future(ended.wait())
        try:
            await asyncio.wait({asked, ending}, return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                asked.result()
        finally:
            for each in (asked, ending):
                each.cancel()
            await asyncio.gather(asked, ending, return_exceptions=True)
        return None
