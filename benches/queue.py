"""Queue: no-op tasks, ours with their whole history and the projector beside, peers without any.

Each contender in turn, on a fresh Valkey as `up` configures it, filled before the workers start.
"""

from collections.abc import Iterator

from benches.contenders.drained import Figures, Sizes
from benches.contenders.dramatiq import Dramatiq
from benches.contenders.ours import Ours
from benches.contenders.taskiq import Taskiq
from benches.stage import versions
from benches.stage.peers import Peers
from benches.stage.processes import Processes
from benches.stage.sizes import chosen
from benches.stage.store import Durability, fresh_store
from benches.stage.table import Row, at_least, at_most, show

SHORT = Sizes(tasks=9000, single=800, idle=20, polled=2)
FULL = Sizes(tasks=12_000, single=3000, idle=200, polled=20)
GUARDED = ("ours", "taskiq", "ours 1", "dramatiq 1")


def main() -> None:
    """Run all rounds and print the table."""
    sizes, rounds = chosen(SHORT, FULL)
    peers, of, version = Peers(), dict[str, Figures](), ""
    contenders = all_contenders(peers)
    if sizes is SHORT:  # those whose ratios are guarded
        contenders = {name: contenders[name] for name in GUARDED}
    for _ in range(rounds):
        for name, (durability, contender) in contenders.items():
            with fresh_store(durability) as store, Processes() as processes:
                version = store.version()
                contender.measure(store, processes, sizes, of.setdefault(name, Figures()))
    named = peers.versions("dramatiq", "taskiq", "taskiq-redis")
    show(rows(of), version, versions.sqlite(), *named)


def all_contenders(peers: Peers) -> dict[str, tuple[Durability, Ours | Dramatiq | Taskiq]]:
    """By name, in the order they are measured in."""
    return {
        "ours": ("memory", Ours(2)),
        "taskiq": ("memory", Taskiq(peers, 2)),
        "dramatiq": ("memory", Dramatiq(peers, 2)),
        "tuned": ("memory", Dramatiq(peers, 2, threads=2, prefetch=100)),
        "ours fsync": ("fsync", Ours(2)),
        "ours 1": ("memory", Ours(1)),
        "dramatiq 1": ("memory", Dramatiq(peers, 1)),
        "ours 1 fsync": ("fsync", Ours(1)),
        "dramatiq 1 fsync": ("fsync", Dramatiq(peers, 1)),
    }


def rows(of: dict[str, Figures]) -> Iterator[Row]:
    """The table; a short run has not all of it."""
    drained = {name: figures.drained for name, figures in of.items()}
    two, one = "2 processes, tasks/s", "1 process, 8 threads, tasks/s"
    for what, ours, peer, target in (
        (f"{two}: Milepost, everysec, beside taskiq", "ours", "taskiq", at_least(1)),
        (f"{two}: the same beside dramatiq's defaults", "ours", "dramatiq", at_least(1)),
        (f"{two}: the same beside tuned dramatiq", "ours", "tuned", at_least(1.2)),
        (f"{two}: Milepost, fsync, beside tuned dramatiq", "ours fsync", "tuned", None),
        (f"{two}: taskiq, Redis Streams, everysec", "taskiq", "", None),
        (f"{two}: dramatiq, defaults, everysec", "dramatiq", "", None),
        (f"{two}: dramatiq, prefetch 100, 2 threads, everysec", "tuned", "", None),
        (f"{one}: Milepost, everysec, beside dramatiq", "ours 1", "dramatiq 1", at_least(4)),
        (f"{one}: Milepost, fsync, beside dramatiq on everysec", "ours 1 fsync", "dramatiq 1",
         at_least(3)),
        (f"{one}: dramatiq, defaults, everysec", "dramatiq 1", "", None),
        (f"{one}: dramatiq, defaults, fsync", "dramatiq 1 fsync", "", None),
    ):  # fmt: skip
        if ours in of and (not peer or peer in of):
            yield Row(what, drained[ours], drained[peer] if peer else (), target)
    for name, figures in of.items():
        if figures.lag_seconds:
            yield Row(f"read models behind the last end, s: {name}", figures.lag_seconds)
            yield Row(f"tasks/s until the read models have all: {name}", figures.shown)
    for name, figures in of.items():
        if not name.endswith(("1", "1 fsync", "tuned")):
            yield Row(f"enqueued one by one /s: {name}", figures.single, of["taskiq"].single)
    for name, figures in of.items():
        if figures.bulk and not name.endswith(("1", "1 fsync")):
            batch = "100 at once" if name == "taskiq" else "1,000 a call"
            yield Row(f"enqueued in bulk, {batch}, /s: {name}", figures.bulk, of["taskiq"].bulk)
    for name, figures in of.items():
        for percent, bound in ((50, 5), (99, 15)):
            target = at_most(bound) if name in ("ours", "ours fsync") else None
            if not name.endswith(("1", "1 fsync", "tuned")):
                what = f"submit to done, idle, ms, p{percent}: {name}"
                yield Row(what, figures.idle(percent), (), target)


if __name__ == "__main__":
    main()
