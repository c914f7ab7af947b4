"""Connections that delay, stall, break and half-close: every task ends, once, and no bar falls."""

import random
from typing import Any

import pytest

from faulty_proxy import FAULTS, FaultyProxy
from log_probe import LogProbe
from surroundings import StartWorker


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
