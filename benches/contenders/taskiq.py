"""taskiq on its Redis Streams broker, with the async function that suits it best."""

from dataclasses import dataclass

from benches.contenders.drained import Figures, Sizes, drain
from benches.stage.cores import apart
from benches.stage.peers import Peers
from benches.stage.processes import Processes
from benches.stage.store import Store

WARM_UP = 10


@dataclass(frozen=True, slots=True)
class Taskiq:
    """Worker processes; each has an event loop."""

    peers: Peers
    workers: int

    def measure(self, store: Store, processes: Processes, sizes: Sizes, figures: Figures) -> None:
        """Fill, drain, send one by one."""

        def run(*arguments: object) -> list[float]:
            return self.peers.run(processes, store, "noop_taskiq", *arguments)

        with apart(store):
            single, bulk = run("fill", sizes.single, sizes.tasks - sizes.single)
        figures.single.append(single)
        figures.bulk.append(bulk)
        command = ("taskiq", "worker", "--workers", str(self.workers), "noop_taskiq:broker")
        self.peers.start(processes, store, *command)
        rate, _ = drain(store.client.xlen("taskiq"), lambda: _left(store))
        figures.drained.append(rate)
        figures.idle_ms.append(run("idle", sizes.idle + WARM_UP)[WARM_UP:])


def _left(store: Store) -> int:
    """Messages of its stream that no worker has acknowledged."""
    (group,) = store.client.xinfo_groups("taskiq")
    return int(group["lag"] or 0) + int(group["pending"])
