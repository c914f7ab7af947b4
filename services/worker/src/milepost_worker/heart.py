"""Owns the beat helper's process and the timer thread that shows it signs of life. Beats nothing.

The thread needs the interpreter's lock to tick: when a task holds it, the helper sees the CPU used
instead (see `milepost_log.heart`).
"""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

logger = logging.getLogger(__name__)


class Heart(threading.Thread):
    """Ticks six times a lease; starts the helper, and starts it again when it has died."""

    def __init__(
        self,
        url: str,
        namespace: str,
        lease_seconds: float,
        state: Callable[[], tuple[str, list[int]]],
        offered: Sequence[str],
        build: str,
    ) -> None:
        """Start nothing yet.

        Args:
            state: gives the incarnation's name and the partitions it holds tasks of.
            offered: the task types and queues this worker takes, as `milepost_log.offers` has them.
            build: of this worker's code.
        """
        super().__init__(name="heart", daemon=True)
        told = {"MILEPOST_HEART_URL": url, "MILEPOST_HEART_OFFERS": "\n".join(offered)}
        told["MILEPOST_HEART_BUILD"] = build
        self._environment = {**os.environ, **told}
        interval = lease_seconds / 3
        self._command = [
            sys.executable, "-P", "-m", "milepost_log.heart",
            namespace, str(interval), str(os.getpid()),
        ]  # fmt: skip
        self._tick_seconds = interval / 2
        self._state = state
        self._stopping = threading.Event()
        self._writing = threading.Lock()
        self._helper: subprocess.Popen[bytes] | None = None
        self._told: set[int] = set()

    def run(self) -> None:
        """Tick until stopped."""
        while not self._stopping.wait(self._tick_seconds):
            self.tick()

    def holds(self, partition: int) -> None:
        """Tell the helper at once of a partition it does not know of yet."""
        if partition not in self._told:
            self.tick()

    def tick(self) -> None:
        """Show a sign of life with what is held now."""
        name, partitions = self._state()
        line = f"{name} {','.join(map(str, partitions))}\n".encode()
        with self._writing:
            try:
                helper = self._running()
                assert helper.stdin is not None
                helper.stdin.write(line)
                helper.stdin.flush()
                self._told = set(partitions)
            except OSError as err:
                logger.warning("the beat helper is away", extra={"reason": str(err)})

    def stop(self) -> None:
        """End the helper: its input ends."""
        self._stopping.set()
        with self._writing:
            if self._helper is not None and self._helper.stdin is not None:
                self._helper.stdin.close()
                self._helper.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._helper is None or self._helper.poll() is not None:
            self._helper = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.PIPE,
                start_new_session=True,  # a Ctrl-C in the terminal is for the worker
            )
        return self._helper
