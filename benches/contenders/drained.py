"""Owns what a contender is asked for and what it came to."""

from collections.abc import Callable
from dataclasses import dataclass, field

from benches.stage.processes import until
from benches.stage.table import percentile

DRAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    tasks: int
    single: int
    """Of these, how many are sent one by one."""
    idle: int
    polled: int
    """As `idle`, of a peer that polls with pauses of up to a second."""


@dataclass
class Figures:
    """What one contender came to, a value a round; `idle_ms` has one a task of each."""

    drained: list[float] = field(default_factory=list[float])
    single: list[float] = field(default_factory=list[float])
    bulk: list[float] = field(default_factory=list[float])
    idle_ms: list[list[float]] = field(default_factory=list[list[float]])
    lag_seconds: list[float] = field(default_factory=list[float])
    """From the last end to its being in the read models."""
    shown: list[float] = field(default_factory=list[float])
    """As `drained`, until they are in the read models."""

    def idle(self, percent: int) -> list[float]:
        """A percentile of each round."""
        return [percentile(waits, percent) for waits in self.idle_ms]


def drain(tasks: int, left: Callable[[], int]) -> tuple[float, float]:
    """Tasks a second after the first tenth, and when the last was done (monotonic).

    After the first tenth, so that all processes are up.
    """
    rest = list[int]()

    def begun() -> bool:
        rest.append(left())
        return rest[-1] <= 0.9 * tasks

    began = until(begun, "the first tenth", DRAIN_SECONDS, pause=0.002)
    ended = until(lambda: left() <= 0, "the last task", DRAIN_SECONDS)
    return rest[-1] / max(ended - began, 0.001), ended
