"""Everything at once: workers killed and frozen, the server killed, connections broken.

Every accepted task ends, once; attempts are in order; no bar falls; a zombie changes nothing.
"""

import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from faulty_proxy import FAULTS, FaultyProxy
from log_probe import LogProbe
from surroundings import StartWorker
from valkey_server import Valkey
from worker_process import WorkerProcess

TASKS = 5_000
SECONDS = 60.0
SERVER_KILLS = 5


def mixture(dice: random.Random, count: int) -> list[tuple[str, dict[str, Any]]]:
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("sample.noop", {}),
        ("sample.count", {"upto": 1000}),
        ("sample.sleep", {"seconds": 0.05}),
        ("sample.sleep", {"seconds": 0.6}),
        ("sample.flaky", {"fail_times": 1}),
        ("sample.fail", {"reason": "as told"}),
    ]
    return dice.choices(kinds, weights=[50, 15, 15, 8, 8, 4], k=count)


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
    tmp_path: Path, namespace: str, start_worker: StartWorker
):
    seed = random.randrange(1_000_000)
    dice = random.Random(seed)
    print(f"seed {seed}")
    server = Valkey(tmp_path, appendfsync="always")
    server.start()
    try:
        async with LogProbe(server.url, namespace) as log:
            crew = Crew(start_worker, server.url, 3)
            tasks: list[str] = []
            for number in range(TASKS // 500):
                tasks += await log.create_many(mixture(dice, 500), owner=f"owner {number}")
            began = time.monotonic()
            server_kills = sorted(dice.uniform(2, SECONDS - 5) for _ in range(SERVER_KILLS))
            while time.monotonic() - began < SECONDS:
                if server_kills and time.monotonic() - began > server_kills[0]:
                    server_kills.pop(0)
                    server.kill()
                    server.start()
                crew.strike(dice)
                until = time.monotonic() + dice.uniform(0.3, 2)
                await log.follow(lambda until=until: time.monotonic() >= until)
                if all(map(log.end_of, tasks)):
                    tasks += await log.create_many(mixture(dice, 500), owner="late")
            crew.wake()
            await log.ended(*tasks, seconds=200)
            log.check_invariants()
            ends = {log.end_of(task) for task in tasks}
            assert ends <= {"succeeded", "failed"}
    finally:
        server.stop()


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_broken_connections_lose_and_double_nothing(
    valkey_url: str, namespace: str, start_worker: StartWorker
):
    seed = random.randrange(1_000_000)
    dice = random.Random(seed)
    print(f"seed {seed}")
    port = int(valkey_url.rpartition(":")[2].partition("/")[0])
    async with (
        FaultyProxy(port, dice, chance=0.02) as proxy,
        LogProbe(valkey_url, namespace) as log,
    ):
        start_worker(proxy.url, lease_seconds=3)
        start_worker(proxy.url, lease_seconds=3)
        tasks = await log.create_many(mixture(dice, 600))
        await log.ended(*tasks, seconds=150)
        log.check_invariants()
        assert all(proxy.happened[fault] for fault in FAULTS), proxy.happened
