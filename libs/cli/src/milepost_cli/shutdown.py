"""Owns the order of stopping: stage after stage, each process within its time. Starts nothing."""

import signal
from collections.abc import Callable, Sequence

from milepost_cli.child import Child

HURRIED_SECONDS = 0.5


class Shutdown:
    """The end of all children, lowest stage first."""

    def __init__(
        self, children: Sequence[Child], say: Callable[[str], None], *, hurried: bool = False
    ) -> None:
        self._children = sorted(children, key=lambda child: child.program.stage)
        self._say = say
        self._hurried = hurried
        self._deadlines: dict[int, float] = {}
        """By pid, of those that were told to stop (monotonic seconds)."""

    @property
    def done(self) -> bool:
        """No child is left."""
        return not any(child.pid for child in self._children)

    @property
    def due(self) -> float:
        """When `advance` has something to do at the latest (monotonic seconds)."""
        return min(self._deadlines.values(), default=0.0)

    def hurry(self) -> None:
        """Wait for nobody any more."""
        self._hurried = True
        self._deadlines = dict.fromkeys(self._deadlines, 0.0)

    def advance(self, now: float) -> None:
        """Tell the stage whose turn it is to stop; kill in it whoever did not in time."""
        living = [child for child in self._children if child.pid is not None]
        self._deadlines = {
            child.pid: self._deadlines[child.pid]
            for child in living
            if child.pid is not None and child.pid in self._deadlines
        }
        for child in living:
            if child.pid is None or child.program.stage != living[0].program.stage:
                continue
            if child.pid not in self._deadlines:
                seconds = HURRIED_SECONDS if self._hurried else child.program.stop_seconds
                self._deadlines[child.pid] = now + seconds
                child.signal(signal.SIGTERM)
            elif now >= self._deadlines[child.pid]:
                if not self._hurried:
                    self._say(f"{child.program.name} did not stop in time and is killed")
                self._deadlines[child.pid] = now + HURRIED_SECONDS
                child.kill()
