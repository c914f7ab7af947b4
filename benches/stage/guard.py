"""Owns which ratios and sizes are guarded, and when one has become worse; pure.

Single figures of a machine that others use differ by two. What disturbs only ever makes slower, so
of each side the best round of all runs is compared, and what seems to have fallen is measured
again, with its peer, before it is called so (docs/adr/0060).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from benches.stage.table import Result, Row

RUNS = 3
"""How often a benchmark is measured, at most, before a ratio counts as fallen."""
ROUNDS = 2
"""Of each run."""
KEPT = 2 / 3
"""Of the published ratio: less has fallen by more than a third."""
Better = Literal["more", "less"]
GUARDED: dict[str, dict[str, Better]] = {
    "queue": {
        "1 process, 8 threads, tasks/s: Milepost, everysec, beside dramatiq": "more",
        "2 processes, tasks/s: Milepost, everysec, beside taskiq": "more",
        "enqueued one by one /s: ours": "more",
        "enqueued in bulk, 1,000 a call, /s: ours": "more",
    },
    "progress": {
        "Milepost progress.track, ns an iteration": "less",
        "the same beside an iteration of tqdm": "less",
    },
    "poll": {
        "GET /s: Milepost, idle poll": "more",
        "POST /s: Milepost, POST /tasks, fsync": "more",
    },
}
"""By benchmark and row, which way is better: rows whose peer does the same kind of work in the same
run, and whose short form is steady (waits of single tasks are not)."""
SIZES: dict[str, tuple[str, ...]] = {
    "footprint": ("resident in all, MiB: each page once",),
    "memory": ("a queued task all told, KiB", "a progress event in the log, bytes"),
    "sse": ("KiB for each of 2,000 idle clients",),
}
"""By benchmark, rows that are what something takes of memory: no peer has the like, and none is
needed, since no machine makes them larger by being busy. The least of all rounds is compared with
the published median."""
GUARDS = frozenset((*GUARDED, *SIZES))
"""Benchmarks of which something is guarded."""


@dataclass(frozen=True, slots=True)
class Fall:
    """A ratio, or a size, that is worse than the published one by more than a third."""

    what: str
    published: float
    now: float
    beside: str = " of its peer"
    """What it is a share of; empty for a size."""

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.now:.3g}{self.beside}, published {self.published:.3g}: "
            "worse by more than a third"
        )


def fallen(name: str, published: Result, runs: Sequence[Result]) -> Iterator[Fall]:
    """The guarded rows of a benchmark that have fallen, by all its runs so far.

    Raises:
        LookupError: a guarded row is not among those published or measured, or lacks its peer.
    """
    for what, better in GUARDED.get(name, {}).items():
        before = _row(published, what).ratio
        assert before is not None
        measured = [_row(run, what) for run in runs]
        best = max if better == "more" else min
        ours = best(value for row in measured for value in row.values)
        peer = best(value for row in measured for value in row.peer)
        now = ours / peer
        share = now / before if better == "more" else before / now
        if share < KEPT:
            yield Fall(what, before, now)
    for what in SIZES.get(name, ()):
        before = median(_row(published, what, alone=True).values)
        now = min(value for run in runs for value in _row(run, what, alone=True).values)
        if before / now < KEPT:
            yield Fall(what, before, now, beside="")


def _row(result: Result, what: str, *, alone: bool = False) -> Row:
    for row in result.rows:
        if row.what == what and (alone or row.peer):
            return row
    raise LookupError(f"no row{'' if alone else ' beside a peer'}: {what}")
