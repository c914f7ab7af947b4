"""Progress: what telling the world costs the task, beside tqdm in the same run.

`track` against a bare loop and tqdm (which only draws on a local terminal), and `report` a call,
with a reader taking snapshots ten times a second as the worker's flusher does. Nanoseconds.
"""

import io
import threading
import time
from collections.abc import Callable, Iterable
from statistics import median

from _table import Row, show
from tqdm import tqdm

from milepost import Progress

ITEMS = 1_000_000
ROUNDS = 7


def main() -> None:
    """Run all in turn, several rounds, and print medians with their range."""
    measures: dict[str, Callable[[], float]] = {
        "a bare loop, per iteration": lambda: over(range(ITEMS)),
        "Milepost progress.track, per iteration": track,
        "tqdm, per iteration": lambda: over(tqdm(range(ITEMS), file=io.StringIO())),
        "Milepost progress.report(percent), per call": report,
        "Milepost progress.report(done=, total=, message=), per call": report_all,
    }
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(ROUNDS):
        for name, measure in measures.items():
            taken[name].append(measure())
    peer = median(taken["tqdm, per iteration"])
    show(
        "progress, ns", [Row(name, values, median(values) / peer) for name, values in taken.items()]
    )


def over(items: Iterable[int]) -> float:
    """Nanoseconds an iteration."""
    began = time.perf_counter_ns()
    for _ in items:
        pass
    return (time.perf_counter_ns() - began) / ITEMS


def track() -> float:
    """The same through `track`, while it is being read."""
    progress = Progress()
    with Flusher(progress):
        return over(progress.track(range(ITEMS), message="counting"))


def report() -> float:
    """A report of a percent."""
    progress = Progress()
    with Flusher(progress):
        began = time.perf_counter_ns()
        for item in range(ITEMS):
            progress.report(item / ITEMS)
        return (time.perf_counter_ns() - began) / ITEMS


def report_all() -> float:
    """A report of everything."""
    progress = Progress()
    with Flusher(progress):
        began = time.perf_counter_ns()
        for item in range(ITEMS):
            progress.report(done=item, total=ITEMS, message="counting")
        return (time.perf_counter_ns() - began) / ITEMS


class Flusher(threading.Thread):
    """Reads snapshots as the worker does."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(daemon=True)
        self._progress = progress
        self._stopping = threading.Event()

    def run(self) -> None:
        """Ten times a second."""
        while not self._stopping.wait(0.1):
            self._progress.snapshot()

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()


if __name__ == "__main__":
    main()
