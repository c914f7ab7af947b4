"""A peer with a program of its own in benches/peers, which sends, and workers that import it."""

import json
from dataclasses import dataclass, field

from benches.contenders.drained import Figures, Sizes, drain
from benches.stage.cores import apart
from benches.stage.peers import Peers
from benches.stage.processes import Processes
from benches.stage.store import Store

WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Peer:
    """How its workers are started, and how the server tells what is left."""

    peers: Peers
    program: str
    workers: tuple[str, ...]
    """Commands, `python -m ...`: together two processes that run tasks."""
    left: tuple[tuple[str, str], ...]
    """Redis commands and their keys, which count tasks that have not ended."""
    slowness: int = 1
    """It gets as many times fewer tasks, so that it takes seconds too."""
    settings: dict[str, str] = field(default_factory=dict[str, str])
    """Of its workers, in the environment."""

    def measure(self, store: Store, processes: Processes, sizes: Sizes, figures: Figures) -> None:
        """Fill, drain, send one by one."""

        def run(*arguments: object) -> list[float]:
            return self.peers.run(processes, store, self.program, *arguments)

        def left() -> int:
            return sum(getattr(store.client, command)(key) for command, key in self.left)

        tasks, single = sizes.tasks // self.slowness, sizes.single // self.slowness
        with apart(store):
            one_by_one, in_bulk = run("fill", single, tasks - single)
        figures.single.append(one_by_one)
        figures.bulk.append(in_bulk)
        assert left() == tasks, "it keeps its tasks elsewhere"
        for command in self.workers:
            self.peers.start(processes, store, *command.split(), **self.settings)
        rate, _ = drain(tasks, left)
        figures.drained.append(rate)
        took = run("idle", sizes.idle + WARM_UP, json.dumps(self.left))
        figures.idle_ms.append(took[WARM_UP:])
