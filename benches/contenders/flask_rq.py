"""The pattern of Flask, RQ and SQLite: benches/peers/flask_rq.py, and pages that poll it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from benches.stage.http_client import Connection, answers
from benches.stage.pages import PAUSE_SECONDS, Seen, watch
from benches.stage.peers import Peers
from benches.stage.processes import Processes, until
from benches.stage.store import Store
from milepost_cli.valkey import free_port

POLLS_SECONDS = (5.0, 0.25)
"""As the tutorial's page, and as ours does at most where it cannot wait for an answer."""
START_SECONDS = 120.0
EVERYTHING_SECONDS = 100.0
"""Of which the jobs want 20."""


class FlaskRq:
    """Web server and as many workers as there are users, each with one job."""

    def __init__(self, peers: Peers, store: Store, processes: Processes, users: int) -> None:
        """Start all and wait until they answer."""
        self._peers, self._store, self._processes = peers, store, processes
        self._users, self._port = users, free_port()
        peers.run(processes, store, "flask_rq", "tables")
        listen = f"--listen=127.0.0.1:{self._port}"
        peers.start(processes, store, "waitress", listen, "--threads=8", "flask_rq:app")
        for _ in range(users):
            peers.start(processes, store, "rq.cli", "worker", "-q", "-w", "flask_rq.Preloaded")
        answers(self._port, "/notifications?username=nobody", START_SECONDS)
        until(lambda: store.client.scard("rq:workers") == users, "its workers", START_SECONDS)

    async def follow(self, reports: int) -> dict[float, Seen]:
        """Let a page of each user poll, and send the jobs; by the seconds between polls."""
        took = {every: Seen() for every in POLLS_SECONDS}
        pages = self._users // len(took)

        async def page(user: int, every: float, phase: float) -> None:
            await asyncio.sleep(every * phase)
            await watch(self._poll(user, every, reports - 1), took[every])

        arguments = ("flask_rq", "send", self._users, reports, PAUSE_SECONDS)
        async with asyncio.timeout(EVERYTHING_SECONDS):
            waiting = [
                asyncio.create_task(page(number + pages * group, every, number / pages))
                for group, every in enumerate(took)
                for number in range(pages)
            ]
            await asyncio.to_thread(self._peers.run, self._processes, self._store, *arguments)
            await asyncio.gather(*waiting)
        return took

    async def _poll(self, user: int, every_seconds: float, last: int) -> AsyncGenerator[Any]:
        """What a page sees that asks so often, until it has seen the `last` report."""
        since = 0.0
        async with Connection(self._port) as connection:
            while True:
                path = f"/notifications?username=user%20{user}&since={since}"
                page: Sequence[Any] = await connection.get(path, "")
                for notification in page:
                    since = notification["timestamp"]
                    yield notification
                    if notification["data"]["done"] == last:
                        return
                await asyncio.sleep(every_seconds)
