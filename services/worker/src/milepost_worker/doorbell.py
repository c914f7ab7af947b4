"""Owns hearing that work is ready: a pub/sub thread that rings the session. Takes no work itself.

A ring may be lost (pub/sub promises nothing): the session sweeps all partitions every few seconds.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from milepost import keys
from milepost.errors import LogUnavailable
from milepost_log.connection import translated
from milepost_log.servers import open_servers

logger = logging.getLogger(__name__)

LISTEN_SECONDS = 5.0


class Doorbell(threading.Thread):
    """Rings `ring(partition)` for a ready task, `ring(None)` whenever it may have missed one, and
    `stop_task(owner hash, id)` for a running one whose owner asks it to stop."""

    def __init__(
        self,
        url: str,
        namespace: str,
        queues: Sequence[str],
        ring: Callable[[int | None], None],
        stop_task: Callable[[str, str], None],
    ) -> None:
        super().__init__(name="doorbell", daemon=True)
        self._url = url
        self._channels = [keys.doorbell(namespace, queue) for queue in queues]
        self._stops = keys.stops(namespace)
        self._ring = ring
        self._stop_task = stop_task
        self._stopping = threading.Event()

    def run(self) -> None:
        """Listen until stopped; connect again by itself, at least once a second."""
        while not self._stopping.is_set():
            try:
                self._listen()
            except LogUnavailable:
                self._stopping.wait(0.5)

    def stop(self) -> None:
        """End the thread within a few seconds; it is a daemon, nobody has to wait."""
        self._stopping.set()

    def _listen(self) -> None:
        with (
            translated(),
            open_servers(self._url) as servers,
            servers.anywhere().pubsub(ignore_subscribe_messages=True) as channel,  # pyright: ignore  # untyped
        ):
            channel.subscribe(*self._channels, self._stops)  # pyright: ignore[reportUnknownMemberType]  # untyped
            self._ring(None)
            while not self._stopping.is_set():
                message = channel.get_message(timeout=LISTEN_SECONDS)  # pyright: ignore  # untyped
                if message is not None:
                    self._hear(message["channel"].decode(), message["data"].decode())  # pyright: ignore  # untyped

    def _hear(self, channel: str, text: str) -> None:
        if channel == self._stops:
            owner_hash, _, task_id = text.partition(":")
            self._stop_task(owner_hash, task_id)
        else:
            self._ring(int(text))
