"""Queue, beside more peers: no-op tasks, two worker processes each, every one at its best settings.

As `queue`: ours with the whole history and the projector beside, peers without any; each in turn
on a fresh Valkey as `up` configures it with `everysec`, filled before the workers start.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benches.contenders.drained import Figures, Sizes
from benches.contenders.ours import Ours
from benches.contenders.peer import Peer
from benches.stage.peers import Peers
from benches.stage.processes import Processes
from benches.stage.sizes import chosen
from benches.stage.store import fresh_store
from benches.stage.table import Row, at_least, show

SHORT = Sizes(tasks=160, single=80, idle=2, polled=0)
FULL = Sizes(tasks=8000, single=2000, idle=100, polled=0)
OURS, DRAINED = "Milepost", "2 processes, tasks/s: "
VARIANTS = "Celery, late ack", "RQ, a fork a task"
"""They differ from those before in what their workers do."""
SIDE_BY_SIDE = 4
"""So many in a short run, which says only that they run and what they need is mostly to start."""
CELERY = ("celery -A noop_celery worker -P solo -n {} -l ERROR"
          " --without-gossip --without-mingle --without-heartbeat")  # fmt: skip
HUEY = "huey.bin.huey_consumer -q -w 2 -k process noop_huey.huey"
RQ_LEFT = (
    ("llen", "rq:queue:default"),
    ("llen", "rq:queue:default:intermediate"),
    ("zcard", "rq:wip:default"),
)


def main() -> None:
    """Run all rounds and print the table."""
    sizes, rounds = chosen(SHORT, FULL)
    new, old = Peers(), Peers("peers_redis5")
    contenders: dict[str, Ours | Peer] = {OURS: Ours(2)} | all_peers(new, old)
    of = {name: Figures() for name in contenders}
    if sizes is SHORT:  # each program once; `queue` has ours
        for name in (OURS, *VARIANTS):
            del contenders[name]

    def measure(name: str) -> str:
        with fresh_store() as store, Processes() as processes:
            contenders[name].measure(store, processes, sizes, of[name])
            return store.version()

    with ThreadPoolExecutor(SIDE_BY_SIDE if sizes is SHORT else 1) as turns:
        version, *_ = turns.map(measure, list(contenders) * rounds)
    show(
        rows({name: of[name] for name in contenders}),
        version,
        *new.versions("celery", "rq", "huey", "streaq", "redis"),
        *(f"{package} (arq, SAQ)" for package in old.versions("redis")),
        *old.versions("arq", "saq"),
    )


def all_peers(new: Peers, old: Peers) -> dict[str, Peer]:
    """By name. Celery's prefork pool, two of it, drains less than these: it hands each task on."""
    celery = tuple(CELERY.format(name) for name in ("one@bench", "two@bench"))
    return {
        "huey": Peer(new, "noop_huey", (HUEY,),
                     (("llen", "huey.redis.huey"),)),
        "SAQ": Peer(old, "noop_saq", ("saq -q noop_saq.settings",) * 2,
                    (("zcard", "saq:default:incomplete"),)),
        "arq": Peer(old, "noop_arq", ("arq noop_arq.Worker",) * 2, (("zcard", "arq:queue"),), 2),
        "streaq": Peer(new, "noop_streaq", ("streaq run noop_streaq:worker",) * 2,
                       (("xlen", "streaq:default:queues:normal"),), 2),
        "Celery, early ack": Peer(new, "noop_celery", celery,
                                  (("llen", "celery"), ("hlen", "unacked")), 4),
        "Celery, late ack": Peer(new, "noop_celery", celery,
                                 (("llen", "celery"), ("hlen", "unacked")), 4,
                                 {"BENCH_LATE": "1"}),
        "RQ, simple worker": Peer(new, "noop_rq", ("rq.cli worker -q -w rq.SimpleWorker",) * 2,
                                  RQ_LEFT, 5),
        "RQ, a fork a task": Peer(new, "noop_rq", ("rq.cli worker -q",) * 2, RQ_LEFT, 20),
    }  # fmt: skip


def rows(of: dict[str, Figures]) -> Iterator[Row]:
    """The table; a short run has not all of it."""
    what, ours = f"{DRAINED}Milepost, everysec, beside", of.get(OURS)
    for name, figures in of.items():
        if ours and name != OURS:
            yield Row(f"{what} {name}", ours.drained, figures.drained, at_least(1))
            what = f"{DRAINED}the same beside"
    for name, figures in of.items():
        if name != OURS:
            yield Row(f"{DRAINED}{name}", figures.drained)
    senders = {name: figures for name, figures in of.items() if name not in VARIANTS}
    for name, figures in senders.items():
        yield Row(f"enqueued one by one /s: {name}", figures.single)
    for name, figures in senders.items():
        yield Row(f"enqueued in bulk /s: {name}", figures.bulk)
    for percent in (50, 99):
        for name, figures in of.items():
            yield Row(f"submit to done, idle, ms, p{percent}: {name}", figures.idle(percent))


if __name__ == "__main__":
    main()
