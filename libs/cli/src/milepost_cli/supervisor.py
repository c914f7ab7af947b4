"""Owns that all children run until told to stop: heals what dies, says so. Knows no service."""

import os
import selectors
import time
from collections.abc import Callable, Sequence

from milepost_cli.child import Child
from milepost_cli.readiness import Readiness
from milepost_cli.shutdown import Shutdown
from milepost_cli.signals import Signals
from milepost_cli.terminal import Terminal

READY_SECONDS = 60.0
MISCONFIGURED = 2
"""Exit status of what could not start as it is configured; its last line says why."""


class Supervisor:
    """One thread, one selector: everything that happens is an event in `run`."""

    def __init__(
        self,
        children: Sequence[Child],
        readiness: Callable[[selectors.BaseSelector], Readiness],
        terminal: Terminal,
        *,
        on_ready: Callable[[float], None],
        on_stop: Callable[[], None],
    ) -> None:
        """Supervise `children`; `on_ready` gets the seconds it took."""
        self._children = children
        self._selector = selectors.DefaultSelector()
        self._readiness = readiness(self._selector)
        self._terminal = terminal
        self._on_ready = on_ready
        self._on_stop = on_stop
        self._started_at = time.monotonic()
        self._greeted = False
        self._shutdown: Shutdown | None = None
        self._status = 0

    def run(self) -> int:
        """Run everything until told to stop; the exit status."""
        with Signals(self._selector, self._asked_to_stop):
            for child in self._children:
                self._start(child, self._started_at)
            while self._shutdown is None or not self._shutdown.done:
                self._turn()
        return self._status

    def _turn(self) -> None:
        now = time.monotonic()
        for key, _ in self._selector.select(self._idle_seconds(now)):
            key.data(time.monotonic())
        now = time.monotonic()
        self._reap(now)
        if self._shutdown is not None:
            self._shutdown.advance(now)
            return
        for child in self._children:
            if child.restart_at is not None and now >= child.restart_at:
                self._restart(child, now)
        if not self._greeted:
            self._await_ready(now)

    def _idle_seconds(self, now: float) -> float | None:
        if self._shutdown is not None:
            return max(0.0, self._shutdown.due - now)
        times = [child.restart_at for child in self._children if child.restart_at is not None]
        if not self._greeted:
            times += [self._readiness.due, self._started_at + READY_SECONDS]
        return max(0.0, min(times) - now) if times else None

    def _start(self, child: Child, now: float) -> None:
        try:
            child.start(now)
        except OSError as err:
            child.death = err.strerror or str(err)
            child.restart_at = now + child.backoff.after(0.0)
            return

        def read(at: float) -> None:
            self._show(child, child.read(at))
            if child.silent:
                self._selector.unregister(child.output)

        self._selector.register(child.output, selectors.EVENT_READ, read)

    def _restart(self, child: Child, now: float) -> None:
        death = child.death
        self._start(child, now)
        if child.pid is not None:
            where = f" (its log: {child.journal.path})" if death.startswith("exit") else ""
            self._terminal.say(
                f"{child.program.name} died ({death}), restarted{where}", level="WARNING"
            )

    def _reap(self, now: float) -> None:
        """Take note of everyone who has ended, orphans that a container hands to us included."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for child in self._children:
                if child.pid == pid:
                    self._ended(child, status, now)

    def _ended(self, child: Child, status: int, now: float) -> None:
        if not child.silent:
            self._selector.unregister(child.output)
        self._show(child, child.ended(status, now))
        if self._shutdown is not None:
            return
        if os.waitstatus_to_exitcode(status) == MISCONFIGURED and not self._greeted:
            why = child.journal.last_line() or f"{child.program.name} cannot start like this"
            self._stop(MISCONFIGURED, why)
            return
        child.restart_at = now + child.backoff.after(now - child.started_at)

    def _show(self, child: Child, lines: Sequence[str]) -> None:
        for line in lines:
            self._terminal.relay(child.program.name, line)

    def _await_ready(self, now: float) -> None:
        self._readiness.advance(now)
        if self._readiness.ready:
            self._greeted = True
            self._on_ready(now - self._started_at)
        elif now >= self._started_at + READY_SECONDS:
            self._stop(1, f"not ready after {READY_SECONDS:.0f} s: {self._readiness.missing}")

    def _asked_to_stop(self) -> None:
        if self._shutdown is None:
            self._stop(0, "stopping (Ctrl-C again to hurry)")
        else:
            self._status = 1
            self._shutdown.hurry()

    def _stop(self, status: int, why: str) -> None:
        self._status = status
        self._terminal.say(why, level="ERROR" if status else "INFO")
        self._on_stop()
        self._readiness.close()
        self._shutdown = Shutdown(self._children, self._terminal.say)
