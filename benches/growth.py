"""Growth: what a task, a poll, an event costs while everything around it grows.

By processor time of the server and of our processes, which hardly minds what else the machine does.
"""

from dataclasses import dataclass

from benches.curves import backlog, history, partitions, reports, users, watchers
from benches.stage import versions
from benches.stage.curve import Curves
from benches.stage.sizes import chosen
from benches.stage.store import fresh_store
from benches.stage.table import Row, at_most, show
from milepost_notify.routers.event_stream import HEARTBEAT_SECONDS

FLAT = at_most(1.2)
EVENTS = 4
"""Times `asked`, beside idle streams, whose heartbeats vary by some of them."""
PARTITION_ROUNDS = 3
"""Each starts a stack for each number of partitions."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How far each dimension goes, and how much is asked at each size."""

    backlog: tuple[int, ...]
    users: tuple[int, ...]
    history: tuple[int, ...]
    partitions: tuple[int, ...]
    clustered: tuple[int, ...]
    watchers: tuple[int, ...]
    reports: tuple[int, ...]
    tasks: int
    asked: int
    seconds: float
    quiet_seconds: float
    """Without news, for streams that are idle: a whole period of their heartbeats."""


SHORT = Sizes(
    backlog=(1000, 2000),
    users=(10, 50),
    history=(1000, 5000),
    partitions=(1, 2),
    clustered=(1,),
    watchers=(10, 50),
    reports=(1000, 10_000),
    tasks=50,
    asked=10,
    seconds=0.5,
    quiet_seconds=1.0,
)
FULL = Sizes(
    backlog=(1000, 10_000, 100_000, 1_000_000),
    users=(10, 100, 1000, 10_000, 100_000),
    history=(10_000, 100_000, 1_000_000, 5_000_000),
    partitions=(1, 2, 4, 8, 16),
    clustered=(1, 2, 4, 8),
    watchers=(10, 100, 1000, 10_000),
    reports=(1000, 10_000, 100_000, 1_000_000),
    tasks=300,
    asked=100,
    seconds=5.0,
    quiet_seconds=HEARTBEAT_SECONDS,
)


def main() -> None:
    """Go through all dimensions and print the table."""
    sizes, rounds = chosen(SHORT, FULL, rounds=5)
    rows, curves = list[Row](), list[Curves]()
    queued = backlog.measure(sizes.backlog, sizes.tasks, rounds)
    rows += queued.rows(FLAT)
    curves.append(queued)
    for found in (
        users.measure(sizes.users, sizes.asked),
        history.measure(sizes.history, sizes.asked),
        watchers.measure(sizes.watchers, EVENTS * sizes.asked, sizes.quiet_seconds),
        reports.measure(sizes.reports, sizes.seconds),
    ):
        curves += found
        rows += [row for each in found for row in each.rows()]
    for each in partitions.measure(
        sizes.partitions, sizes.clustered, 10 * sizes.tasks, min(rounds, PARTITION_ROUNDS)
    ):
        curves.append(each)
        rows += each.rows(FLAT)
    with fresh_store() as store:
        version = store.version()
    show(rows, version, versions.sqlite(), charts=[each.chart() for each in curves])


if __name__ == "__main__":
    main()
