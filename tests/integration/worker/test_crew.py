"""Workers killed and frozen for a minute under 5,000 tasks, the server killed five times.

Every accepted task ends, once; attempts are in order; no bar falls; a zombie changes nothing.
`tests/storm` has less load, and more of a deployment.
"""

import random
import signal
import time

import pytest

from log_probe import LogProbe
from sample_load import mixture
from surroundings import StartWorker
from valkey_server import Valkey
from worker_process import WorkerProcess

TASKS = 5_000
SECONDS = 60.0
SERVER_KILLS = 5


class Crew:
    """Workers that are replaced when they are killed."""

    def __init__(self, start: StartWorker, url: str, size: int) -> None:
        self._start, self._url = start, url
        self.workers = [self._new() for _ in range(size)]
        self._frozen: list[WorkerProcess] = []

    def _new(self) -> WorkerProcess:
        return self._start(self._url, lease_seconds=2)

    def strike(self, dice: random.Random) -> None:
        """Kill one, freeze one, or wake the frozen."""
        place = dice.randrange(len(self.workers))
        victim = self.workers[place]
        what = dice.choice(["kill", "freeze", "wake"])
        if what == "wake" or (what == "freeze" and len(self._frozen) >= len(self.workers) - 1):
            self.wake()
        elif what == "kill":
            victim.send(signal.SIGKILL)
            if victim in self._frozen:
                self._frozen.remove(victim)
            self.workers[place] = self._new()
        elif victim not in self._frozen:
            victim.send(signal.SIGSTOP)
            self._frozen.append(victim)

    def wake(self) -> None:
        """Let every frozen one go on, not knowing what it missed."""
        while self._frozen:
            self._frozen.pop().send(signal.SIGCONT)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_storm_loses_and_doubles_nothing(
    durable_valkey: Valkey, namespace: str, start_worker: StartWorker
):
    seed = random.randrange(1_000_000)
    dice = random.Random(seed)
    print(f"seed {seed}")
    async with LogProbe(durable_valkey.url, namespace) as log:
        crew = Crew(start_worker, durable_valkey.url, 3)
        tasks: list[str] = []
        for number in range(TASKS // 500):
            tasks += await log.create_many(mixture(dice, 500), owner=f"owner {number}")
        began = time.monotonic()
        server_kills = sorted(dice.uniform(2, SECONDS - 5) for _ in range(SERVER_KILLS))
        while time.monotonic() - began < SECONDS:
            if server_kills and time.monotonic() - began > server_kills[0]:
                server_kills.pop(0)
                durable_valkey.kill()
                durable_valkey.start()
            crew.strike(dice)
            until = time.monotonic() + dice.uniform(0.3, 2)
            await log.follow(lambda until=until: time.monotonic() >= until)
            if all(map(log.end_of, tasks)):
                tasks += await log.create_many(mixture(dice, 500), owner="late")
        assert not server_kills, "the server was killed as often as it is said"
        crew.wake()
        await log.ended(*tasks, seconds=200)
        log.check_invariants()
        ends = {log.end_of(task) for task in tasks}
        assert ends <= {"succeeded", "failed"}
