"""dramatiq on its own RedisBroker: at its defaults, or with another prefetch."""

from dataclasses import dataclass

from benches.contenders.drained import Figures, Sizes, drain
from benches.stage.cores import apart
from benches.stage.peers import Peers
from benches.stage.processes import Processes
from benches.stage.store import Store

WARM_UP = 2


@dataclass(frozen=True, slots=True)
class Dramatiq:
    """Worker processes and their threads; prefetch null: its default."""

    peers: Peers
    workers: int
    threads: int = 8
    prefetch: int | None = None

    def start(self, store: Store, processes: Processes) -> None:
        """Start its workers."""
        settings = {"dramatiq_queue_prefetch": str(self.prefetch)} if self.prefetch else {}
        command = ("dramatiq", "-p", str(self.workers), "-t", str(self.threads), "noop_dramatiq")
        self.peers.start(processes, store, *command, **settings)

    def measure(self, store: Store, processes: Processes, sizes: Sizes, figures: Figures) -> None:
        """Fill, drain, send one by one."""
        run = self.peers.run
        with apart(store):
            single = run(processes, store, "noop_dramatiq", "fill", sizes.tasks)
        figures.single.append(single)
        self.start(store, processes)
        rate, _ = drain(sizes.tasks, lambda: store.client.hlen("dramatiq:default.msgs"))
        figures.drained.append(rate)
        took = run(processes, store, "noop_dramatiq", "idle", sizes.polled + WARM_UP)
        figures.idle_ms.append(took[WARM_UP:])
